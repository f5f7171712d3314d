"""Questions about paper and door: serial numbers, codes, who may handle forms, what is a duplicate. Nothing writes."""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, QuerySet

from bell.delivery.models import Channel
from bell.lib import clock
from bell.lib.problems import FieldProblems
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer, Organisation, Team
from bell.residents import rules
from bell.residents.models import (
    Bundle,
    Code,
    Confirmation,
    PaperForm,
    PendingJoin,
    PrintedForm,
    Resident,
    SourceCode,
)
from bell.residents.paper_models import WORKS
from bell.residents.rules import Reach

# None of A, I, L, O, U, 0, 1: nothing to misread, hardly a word. 29 is prime: every slip changes the check.
ALPHABET = "23456789BCDEFGHJKMNPQRSTVWXYZ"
PENDING_LIFE = timedelta(days=30)
A_DAY = timedelta(days=1)
MOST_FORMS = 100
_SERIAL_LENGTH = 7
_CODE_LENGTH = 12  # 58 bits: too many to try, so a letter's code needs nothing beside it
_SOURCE_LENGTH = 6


def wording(organisation: Organisation) -> str:
    """What is agreed to on paper and at the door. Nothing ticked is never a yes to more than the form is for."""
    return (
        f"{rules.CONSENT_WORDING} If I choose no kind of message, I get only those that ask for my help: crime alerts, "
        f"appeals and missing people. If I choose no organisation, only {organisation.name} may write to me."
    )


class NotAllowed(Exception):
    """The officer may not do this; the message says why in plain words."""


class NotAccepted(FieldProblems):
    """A form cannot be taken as it is: {field: words}; the field "" is the whole form."""


def works_with_paper(officer: Officer, team: Team) -> bool:
    """Whether an officer may handle forms of a team: the force's own, never a partner (partners see no residents)."""
    return team.organisation.sort == Organisation.Sort.FORCE and works_for(officer, team)


def works_for(officer: Officer, team: Team) -> bool:
    """Whether an officer holds a role in a team that lets them make posters."""
    return (
        officer.is_active
        and officer.organisation_id == team.organisation_id
        and officer.grants.filter(team=team, role__in=WORKS).exists()
    )


def paper_teams(officer: Officer) -> list[Team]:
    """The teams whose forms an officer may handle, by name."""
    return [team for team in poster_teams(officer) if team.organisation.sort == Organisation.Sort.FORCE]


def poster_teams(officer: Officer) -> list[Team]:
    """The teams for which an officer may make posters, by name."""
    if not officer.is_active:
        return []
    own = Team.objects.visible_to(officer).filter(grants__officer=officer, grants__role__in=WORKS)
    return list(own.select_related("organisation").distinct())


def check_paper(officer: Officer, team: Team) -> None:
    """Refuse (NotAllowed) an officer who may not handle forms of the team."""
    if not works_with_paper(officer, team):
        raise NotAllowed("Paper forms of this team are handled by its own officers.")
    if organisation_rules.practises(officer, team):
        raise NotAllowed("You are in practice mode, and forms are of real people: they would be written to.")


def _check_character(body: str) -> str:
    """A sum with weights 1, 2, 3… modulo the prime 29 finds every single wrong sign and every swap of two."""
    total = sum(number * ALPHABET.index(sign) for number, sign in enumerate(body, start=1))
    return ALPHABET[total % len(ALPHABET)]


def random_signs(count: int) -> str:
    """So many signs of our alphabet, from the system's source of secrets."""
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def new_serial() -> str:
    """A serial number: seven random signs and one that checks them."""
    body = random_signs(_SERIAL_LENGTH)
    return body + _check_character(body)


def new_source_code() -> str:
    """The code that a poster's address carries. No secret."""
    return random_signs(_SOURCE_LENGTH)


def squeezed(text: str) -> str:
    """Typed signs without spaces and hyphens, in capitals."""
    return re.sub(r"[\s.\-\u2010-\u2015]", "", text[:60]).upper()


def shown(signs: str) -> str:
    """A serial number or code as it is printed: in fours, "BCDF-GHJK"."""
    return "-".join(signs[at : at + 4] for at in range(0, len(signs), 4))


def serial(text: str) -> str:
    """The serial number someone typed, however spaced; NotAccepted when it has a slip."""
    signs = squeezed(text)
    ours = len(signs) == _SERIAL_LENGTH + 1 and all(sign in ALPHABET for sign in signs)
    if not ours or _check_character(signs[:-1]) != signs[-1]:
        raise NotAccepted({"serial": "Check the serial number: it has a slip. It looks like BCDF-GHJK"})
    return signs


def printed(signs: str, team: Team) -> PrintedForm:
    """The form that we printed with this serial number; NotAccepted when another force did, or nobody."""
    found = PrintedForm.objects.filter(serial=signs, run__team__organisation_id=team.organisation_id)
    form = found.select_related("run__source").first()
    if form is None:
        raise NotAccepted({"serial": "We printed no form with this serial number. Check it"})
    return form


def new_code() -> str:
    """The code of a confirmation."""
    return random_signs(_CODE_LENGTH)


def digest(code: str) -> str:
    """Keyed hash of a confirmation's code: a stolen table shows no code."""
    return hmac.new(settings.SECRET_KEY.encode(), f"confirm\0{code}".encode(), hashlib.sha256).hexdigest()


def confirmation(code: str) -> Confirmation | None:
    """The live confirmation of a code, however it was typed; None when it is wrong, used, replaced or too old."""
    signs = squeezed(code)
    if len(signs) != _CODE_LENGTH:
        return None
    found = Confirmation.objects.filter(digest=digest(signs), pending__made_at__gt=clock.now() - PENDING_LIFE)
    return found.select_related("pending__form", "pending__team__organisation").first()


def may_ask(where: Reach) -> bool:
    """Whether a confirmation may go to an address now: the limits of codes, and codes count too (promises.md)."""
    now = clock.now()
    asked = Confirmation.objects.filter(channel=where.channel, address_key=where.key)
    codes = Code.objects.filter(channel=where.channel, address_key=where.key)
    return all(
        asked.filter(sent_at__gt=now - within).count() + codes.filter(made_at__gt=now - within).count() < most
        for most, within in rules.LIMITS_UNKNOWN
    )


def members_at(reaches: list[Reach]) -> list[Resident]:
    """Members who use one of these addresses already."""
    found = (rules.contact_at(where) for where in reaches)
    return [contact.resident for contact in found if contact is not None]


def check_duplicates(form: PaperForm, reaches: list[Reach], signs: PrintedForm | None) -> None:
    """Refuse (NotAccepted) an address that another form of the bundle has, and a serial number entered before."""
    problems = {}
    others = PendingJoin.objects.filter(form__bundle_id=form.bundle_id).exclude(form=form).select_related("form")
    for where in reaches:
        field = "email" if where.channel == Channel.EMAIL else "mobile"
        same = others.filter(**{f"{field}_key": where.key}).first()
        if same is not None and same.form is not None:
            what = "email address" if field == "email" else "mobile number"
            problems[field] = f"Form {same.form.number} of this bundle has the same {what}. Check both forms"
    if signs is not None:
        before = PaperForm.objects.filter(printed=signs).exclude(pk=form.pk).select_related("bundle").first()
        if before is not None:
            here = before.bundle_id == form.bundle_id
            where_ = f"form {before.number} of this bundle" if here else "a form of another bundle"
            problems["serial"] = f"This serial number was entered before, with {where_}"
    if problems:
        raise NotAccepted(problems)


def next_waiting(bundle: Bundle, after: int = 0) -> PaperForm | None:
    """The next form to enter: behind a number if there is one, else the first of those left."""
    waiting = bundle.forms.filter(state=PaperForm.State.WAITING)
    return waiting.filter(number__gt=after).first() or waiting.first()


def source(code: str) -> SourceCode | None:
    """The source that a poster's address names, in upper or lower case, or None."""
    signs = squeezed(code) if code.isascii() else ""
    return SourceCode.objects.filter(code=signs).first() if len(signs) == _SOURCE_LENGTH else None


def sign_ups(sources: QuerySet[SourceCode], *, following: Organisation | None = None) -> dict[str, int]:
    """How many people joined by each of these codes, those who left since included; or only today's followers of one
    organisation. Exact, so for no page as it is: a poster in one letter box has one household's number."""
    people = Resident.objects.filter(source__in=list(sources.values_list("code", flat=True)))
    if following is not None:
        people = people.filter(following__organisation=following)
    return dict(people.order_by().values_list("source").annotate(people=Count("pk")))
