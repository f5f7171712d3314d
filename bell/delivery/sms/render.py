"""A text message drawn once and filled in for each person."""

from django.conf import settings

from bell.delivery import slots, unsubscribe
from bell.delivery.content import Content
from bell.delivery.sms.promise import Text
from bell.lib import phones, text, tokens


class Form:
    """The text of a mailing, cut at its slots."""

    def __init__(self, content: Content, *, stream: str) -> None:
        self.stream = stream
        # The plain signs that the composer showed; what is left in UCS-2 is left so.
        plain, _ = text.to_gsm(content.sms)
        self.pieces = tuple(slots.split(plain, slots.IN_TEXT))

    def text(self, *, delivery_id: int, recipient_key: int, number: str) -> Text:
        """One person's text. ValueError when the number is no mobile's in its E.164 form."""
        if phones.mobile(number, invented=settings.INVENTED_ONLY) != number:
            raise ValueError("Not a mobile number in its plain form")
        filled = {
            slots.ANSWER: tokens.sign_int("answer", delivery_id),
            slots.UNSUBSCRIBE: unsubscribe.token(recipient_key, self.stream),
        }
        words = "".join(filled.get(piece, piece) for piece in self.pieces)
        return Text(reference(delivery_id), settings.SMS_NUMBER, number, words)


def reference(delivery_id: int) -> str:
    """The name under which a gateway knows a delivery."""
    return tokens.sign_int("text", delivery_id)


def read_reference(token: str) -> int | None:
    """The delivery that `reference` named, or None."""
    return tokens.read_int("text", token)
