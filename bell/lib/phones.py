"""Mobile numbers of the United Kingdom and the Crown Dependencies, as people type them and as gateways want them.

Decided by type and region, never by "valid number" alone: 070 numbers are personal numbers, satellite +8816 calls
itself mobile; Ofcom's numbers for drama (07700 900000 to 900999) are possible but not valid, so they are known by
hand. Beyond the drama range, invented people have "+999..." numbers, a country code that is not assigned (ITU-T E.164).
"""

import re

import phonenumbers
from phonenumbers import PhoneNumberType as Type

REGIONS = frozenset({"GB", "GG", "JE", "IM"})

_LONGEST_TYPED = 40
_DRAMA = re.compile(r"\+447700900[0-9]{3}")
_INVENTED = re.compile(r"\+999[0-9]{4,12}")
_TYPED = re.compile(r"\+?[0-9]+")
# What people and address books put between digits: spaces of all kinds, brackets, dots, dashes, marks of direction.
_BETWEEN = re.compile(r"[\s()\[\]./\-\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_TRUNK_ZERO = re.compile(r"(\+|00)\s*44\s*\(\s*0\s*\)")

_EXAMPLE = "like 07700 900123"
_WORDS = {
    Type.FIXED_LINE: f"This is a landline number. Enter a mobile number, {_EXAMPLE}",
    Type.PREMIUM_RATE: f"This is a premium rate number. Enter a mobile number, {_EXAMPLE}",
    Type.SHARED_COST: f"This number charges its callers. Enter a mobile number, {_EXAMPLE}",
    Type.TOLL_FREE: f"This is a freephone number. Enter a mobile number, {_EXAMPLE}",
    Type.PERSONAL_NUMBER: f"This is a personal number (070), not a mobile. Enter a mobile number, {_EXAMPLE}",
    Type.PAGER: f"This is a pager number. Enter a mobile number, {_EXAMPLE}",
    Type.VOIP: f"This is an internet phone number, which may not take texts. Enter a mobile number, {_EXAMPLE}",
    Type.UAN: f"This is a business number. Enter a mobile number, {_EXAMPLE}",
}
_NOT_A_NUMBER = f"Enter a UK mobile number, {_EXAMPLE}"
_FOREIGN = (
    "Texts can only be sent to mobiles of the UK, Jersey, Guernsey and the Isle of Man. "
    f"Enter a number from there, {_EXAMPLE}"
)


class PhoneError(ValueError):
    """The number cannot be used; the message says why in words for the person who typed it."""


def mobile(text: str, *, invented: bool = False) -> str:
    """The E.164 form ("+447700900123") of a mobile number of GB, GG, JE or IM, however it was typed.

    Ofcom's drama numbers always pass; "+999..." only with invented=True (the simulator's people). PhoneError otherwise.
    """
    typed = _tidy(text)
    if _INVENTED.fullmatch(typed):
        if invented:
            return typed
        raise PhoneError(_FOREIGN)
    number = _parse(typed)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if _DRAMA.fullmatch(e164):
        return e164
    _check(number)
    return e164


def is_invented(e164: str) -> bool:
    """Whether the number belongs to nobody: Ofcom's drama range or "+999..."."""
    return bool(_DRAMA.fullmatch(e164) or _INVENTED.fullmatch(e164))


def shown(e164: str) -> str:
    """A number as people read it here: "07700 900123"; one that is not of +44 stays as it is."""
    if re.fullmatch(r"\+447[0-9]{9}", e164):
        return f"0{e164[3:7]} {e164[7:]}"
    return e164


def _tidy(text: str) -> str:
    """Only digits and perhaps a leading plus; PhoneError when something else was typed."""
    if not text.strip():
        raise PhoneError("Enter a mobile number")
    if len(text) > _LONGEST_TYPED:
        raise PhoneError(f"This number is too long. {_NOT_A_NUMBER}")
    typed = _TRUNK_ZERO.sub("+44", text.strip().removeprefix("tel:"))
    typed = _BETWEEN.sub("", typed.replace("\uff0b", "+"))
    if typed.startswith("00"):
        typed = "+" + typed[2:]
    elif typed.startswith("447") and len(typed) == 12:
        typed = "+" + typed
    if not _TYPED.fullmatch(typed):
        if "@" in typed:
            raise PhoneError(f"This looks like an email address. {_NOT_A_NUMBER}")
        raise PhoneError(f"A phone number has digits only. {_NOT_A_NUMBER}")
    return typed


def _parse(typed: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(typed, "GB")
    except phonenumbers.NumberParseException as error:
        kind = error.error_type
        if kind in (error.TOO_SHORT_NSN, error.TOO_SHORT_AFTER_IDD):
            raise PhoneError(f"This number is too short. {_NOT_A_NUMBER}") from error
        if kind == error.TOO_LONG:
            raise PhoneError(f"This number is too long. {_NOT_A_NUMBER}") from error
        if kind == error.INVALID_COUNTRY_CODE:
            raise PhoneError(_FOREIGN) from error
        raise PhoneError(_NOT_A_NUMBER) from error


def _check(number: phonenumbers.PhoneNumber) -> None:
    """Refuse what is not a mobile of our four regions, with the most helpful words."""
    if number.country_code != 44:
        raise PhoneError(_FOREIGN)
    kind = phonenumbers.number_type(number)
    region = phonenumbers.region_code_for_number(number)
    if kind == Type.MOBILE and region in REGIONS:
        return
    if kind in _WORDS:
        raise PhoneError(_WORDS[kind])
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in (
        phonenumbers.ValidationResult.TOO_SHORT,
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY,
    ):
        raise PhoneError(f"This number is too short. {_NOT_A_NUMBER}")
    if possible == phonenumbers.ValidationResult.TOO_LONG:
        raise PhoneError(f"This number is too long. {_NOT_A_NUMBER}")
    raise PhoneError(f"This number is not in use in the UK. {_NOT_A_NUMBER}")
