"""The printed pages of paper and door: the sign-up form, the letter that asks to confirm, the poster that invites."""

from pathlib import Path

from django.conf import settings

from bell.lib import clock, links, pdf
from bell.organisations import kinds
from bell.organisations.models import Organisation
from bell.residents import paper_rules
from bell.residents.models import Group, PendingJoin, PrintRun, SourceCode

_FOLDER = Path(__file__).resolve().parent / "print"


def _short(path: str) -> str:
    """An address as people type it: without https:// and the last stroke."""
    return links.absolute(path).partition("://")[2].rstrip("/")


def _address(organisation: Organisation) -> list[str]:
    """The lines of an organisation's postal address."""
    return [line.strip() for line in organisation.postal_address.splitlines() if line.strip()]


def forms(run: PrintRun) -> bytes:
    """The forms of a run as a PDF, a page each. The same run prints the same forms."""
    organisation = run.team.organisation
    url = links.absolute(links.join_from(run.source.code))
    return pdf.make(
        _FOLDER / "form.typ",
        {
            "title": f"Sign-up form, {run.team.name}",
            "site": settings.SITE_NAME,
            "team": run.team.name,
            "organisation": organisation.name,
            "address": ", ".join([organisation.name, *_address(organisation)]),
            "url": url,
            "short_url": _short(links.join()),
            "qr": pdf.qr(url),
            "serials": [paper_rules.shown(form.serial) for form in run.forms.all()],
            "kinds": list(kinds.Kind.labels),
            "groups": [group.name for group in Group.objects.public()],
            "organisations": [one.name for one in Organisation.objects.public().order_by("sort", "name")],
            "wording": run.wording,
            "days": paper_rules.PENDING_LIFE.days,
        },
    )


def letter(pending: PendingJoin, code: str) -> bytes:
    """The letter to somebody with a postal address, with the code that confirms."""
    organisation = pending.team.organisation
    shown = paper_rules.shown(code)
    today = clock.local(clock.now()).date()
    to = [pending.name, *pending.postal.splitlines(), pending.postcode]
    lines = [line.strip() for line in to if line.strip()]
    return pdf.make(
        _FOLDER / "letter.typ",
        {
            "title": f"Please confirm that you want to join {settings.SITE_NAME}",
            "site": settings.SITE_NAME,
            "team": pending.team.name,
            "organisation": organisation.name,
            "address": _address(organisation),
            # A postcode that stands in the address already is not said twice.
            "to": lines[:-1] if len(lines) > 1 and lines[-1] in lines[-2] else lines,
            "date": f"{today.day} {today:%B %Y}",
            "code": shown,
            "short_url": _short(links.confirm()),
            "qr": pdf.qr(links.absolute(links.confirm(shown))),
            "wording": pending.wording,
            "days": paper_rules.PENDING_LIFE.days,
        },
    )


def poster(source: SourceCode) -> bytes:
    """An A4 poster whose QR code says where the sign-up came from."""
    url = links.absolute(links.join_from(source.code))
    return pdf.make(
        _FOLDER / "poster.typ",
        {
            "title": f"Join {settings.SITE_NAME}",
            "team": source.team.name,
            "organisation": source.team.organisation.name,
            "label": source.label,
            "code": source.code,
            "url": url,
            "short_url": _short(links.join_from(source.code)),
            "qr": pdf.qr(url),
        },
    )
