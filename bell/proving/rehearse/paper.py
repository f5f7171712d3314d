"""A bundle of paper forms: entered as the staff page enters them, confirmed by some through the link in their mail.

The others say nothing: beyond the one message that asks them, nothing may ever reach them.
"""

import io
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from bell.delivery.models import Channel
from bell.lib import clock, http, links
from bell.organisations.kinds import Kind
from bell.proving.rehearse import spools, visitor
from bell.proving.rehearse.waiting import Patience
from bell.proving.rehearse.world import World
from bell.residents import paper, rules
from bell.residents.actions import Spot
from bell.residents.models import Contact
from bell.residents.paper import Entry

SUBJECT = "Please confirm that you want to join"
_FORMS = 6  # every second one is confirmed; one more form is of somebody who has joined already
_LINK = re.compile(r"(/confirm/[A-Z0-9-]+/)")
_DEADLINE = 20.0


@dataclass
class Bundle:
    """Addresses that confirmed, that did not, and that of a member whose form changes nothing."""

    confirmed: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    known: str = ""

    @property
    def asked(self) -> list[str]:
        """Everyone whom one message asked."""
        return [*self.confirmed, *self.silent]

    def members(self) -> set[int]:
        """Keys of those who confirmed: witnesses, whom nobody may forget meanwhile."""
        return set(Contact.objects.filter(address__in=self.confirmed).values_list("resident__key", flat=True))


def enter(world: World) -> Bundle:
    """Print forms, open a bundle, keep the scans, enter each form. All live inside the shape and want everything."""
    run = paper.print_forms(world.team, count=_FORMS, by=world.author)
    today = clock.local(clock.now()).date()
    bundle = paper.open_bundle(world.team, received_on=today, size=_FORMS + 1, by=world.author)
    scans = [_scan(number) for number in range(_FORMS + 1)]
    paper.keep_scans(
        bundle, [(f"{n}.png", io.BytesIO(data), len(data)) for n, data in enumerate(scans)], by=world.author
    )
    done, at = Bundle(), world.shape.representative_point()
    serials = paper.serials_of(run)
    for number, form in enumerate(bundle.forms.all()):
        address = f"paper{number}@form.example"
        if number == _FORMS:
            address = done.known = _a_member()
        entry = Entry(
            spot=Spot(round(at.x, 6), round(at.y, 6)),
            reaches=[rules.reach(Channel.EMAIL, address)],
            name="Somebody on paper",
            serial=serials[number] if number < _FORMS else "",
            email_kinds=list(Kind.values),
            organisations=[world.force.organisation.pk],
        )
        outcome = paper.enter(form, entry, by=world.author)
        if outcome.known != (number == _FORMS):
            raise visitor.NotTaken(f"form {form.number} of the bundle was taken for something else")
        if number < _FORMS:
            (done.silent if number % 2 else done.confirmed).append(address)
    return done


def _a_member() -> str:
    """The address of somebody who joined long ago."""
    return str(Contact.objects.filter(channel=Channel.EMAIL).order_by("pk").values_list("address", flat=True)[0])


def _scan(number: int) -> bytes:
    """A picture of a form: one grey line of eight pixels (PNG, ISO/IEC 15948)."""
    line = b"\0" + bytes([32 * number]) * 8
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 8, 1, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(line)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def confirm(bundle: Bundle, spool: Path, patience: Patience) -> None:
    """Those who confirm open the link of their mail and press the button; of the others, a scanner opens the link."""
    patience.until(lambda: set(bundle.asked) <= _links(spool).keys(), "the mails that ask to confirm")
    found = _links(spool)
    for address in bundle.confirmed:
        visitor.fill_in(found[address], {})
    reply = http.get(links.absolute(found[bundle.silent[0]]), deadline=_DEADLINE)
    if reply.status != 200:
        raise visitor.NotTaken(f"the page that asks to confirm answered {reply.status}")


def _links(spool: Path) -> dict[str, str]:
    """The path in each mail that asks, by address."""
    asking = [copy for copy in spools.read(spool) if copy.subject.startswith(SUBJECT)]
    return {copy.to: found[1] for copy in asking if (found := _LINK.search(copy.text))}
