"""What is done to officers, organisations and agreements. Each verb checks the rules and writes its audit entry."""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.utils.text import slugify

from bell.audit.record import record
from bell.lib import clock
from bell.lib.problems import FieldProblems
from bell.organisations import rules
from bell.organisations.models import Agreement, Officer, Organisation, OrganisationName, Route


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


class NotAnAgreement(ValueError):
    """What was typed is no agreement; the message says why in plain words."""


@dataclass(frozen=True)
class Terms:
    """What an agreement says. Both days are included."""

    what: str
    purpose: str
    basis: str
    starts: date
    ends: date
    document: str


@transaction.atomic
def agree(organisation: Organisation, terms: Terms, *, by: Officer) -> Agreement:
    """Keep a data-sharing agreement with a partner."""
    _may_agree(by)
    if organisation.sort == Organisation.Sort.FORCE:
        raise NotAnAgreement("The force needs no agreement with itself.")
    if terms.ends < terms.starts:
        raise NotAnAgreement("The agreement must end on or after the day it starts.")
    agreement = Agreement.objects.create(organisation=organisation, **asdict(terms))
    record("agreement kept", agreement, by=by, organisation=organisation.pk, ends=terms.ends.isoformat())
    return agreement


@transaction.atomic
def end_agreement(agreement: Agreement, *, on: date, by: Officer) -> Agreement:
    """End an agreement earlier than it said; the day given is its last."""
    _may_agree(by)
    fresh = Agreement.objects.select_for_update().get(pk=agreement.pk)
    if not fresh.starts <= on <= fresh.ends:
        raise NotAnAgreement("Choose a day within the agreement.")
    fresh.ends = on
    fresh.save(update_fields=["ends"])
    record("agreement ended", fresh, by=by, organisation=fresh.organisation_id, ends=on.isoformat())
    return fresh


def _may_agree(officer: Officer) -> None:
    if not rules.may_agree(officer):
        raise NotAllowed("Only an administrator or data protection officer of the force keeps agreements.")


@transaction.atomic
def set_duty(officer: Officer, *, on: bool, by: Officer) -> Officer:
    """Put an officer on the duty list (asked to approve), or off it. Oneself, or an administrator of the same force."""
    colleague = officer.organisation_id == by.organisation_id and rules.may_administer(by)
    if not (by.is_active and (officer.pk == by.pk or colleague)):
        raise NotAllowed("You can only change your own duty.")
    fresh = Officer.objects.select_for_update().get(pk=officer.pk)
    if fresh.on_duty != on:
        fresh.on_duty = on
        fresh.save(update_fields=["on_duty"])
        record("duty on" if on else "duty off", fresh, by=by)
    officer.on_duty = on
    return fresh


class NotAPartner(FieldProblems):
    """What was typed is no organisation. `problems` maps a field of the form to words."""


@dataclass(frozen=True)
class Identity:
    """How a partner presents itself to residents. Its name has a verb of its own, because names have dates."""

    strapline: str = ""
    postal_address: str = ""
    reference_prefix: str = "DA"
    active: bool = True


@dataclass(frozen=True)
class Way:
    """A route as it is typed: what it is, its words, and whether alerts name it."""

    sort: str
    label: str
    value: str
    url: str = ""
    in_alerts: bool = True


def _may_keep_partners(officer: Officer) -> None:
    if not rules.may_keep_partners(officer):
        raise NotAllowed("Only an administrator of the force keeps organisations.")


@transaction.atomic
def add_partner(*, name: str, since: date, identity: Identity, by: Officer) -> Organisation:
    """A new partner. It may write to nobody before it has an agreement and its residents chose it."""
    _may_keep_partners(by)
    name = _named(name, since)
    if Organisation.objects.filter(name__iexact=name).exists():
        raise NotAPartner({"name": "There is an organisation of this name already"})
    partner = Organisation.objects.create(
        sort=Organisation.Sort.PARTNER, name=name, slug=_slug(name), **_checked(identity)
    )
    OrganisationName.objects.create(organisation=partner, name=name, since=since)
    record("organisation added", partner, by=by)
    return partner


@transaction.atomic
def change_organisation(organisation: Organisation, *, identity: Identity, by: Officer) -> Organisation:
    """Change how an organisation presents itself, or switch a partner off: then it writes to nobody."""
    fresh = _kept(organisation, by)
    if fresh.sort == Organisation.Sort.FORCE and not identity.active:
        raise NotAPartner({"active": "The force cannot be switched off"})
    for name, value in _checked(identity).items():
        setattr(fresh, name, value)
    fresh.save()
    record("organisation changed", fresh, by=by, active=fresh.active)
    return fresh


@transaction.atomic
def rename(organisation: Organisation, *, name: str, since: date, by: Officer) -> Organisation:
    """Keep a new name from a day on; alerts of the days before keep the old one. Pressing twice does it once."""
    fresh = _kept(organisation, by)
    name = _named(name, since)
    if not fresh.names.exists():
        OrganisationName.objects.create(organisation=fresh, name=fresh.name, since=date.min)
    if fresh.names.filter(since__gt=since).exists():
        raise NotAPartner({"since": "A later name is kept already. Choose a day after it"})
    OrganisationName.objects.update_or_create(organisation=fresh, since=since, defaults={"name": name})
    fresh.name = name
    fresh.save(update_fields=["name"])
    record("organisation renamed", fresh, by=by, since=since.isoformat())
    return fresh


@transaction.atomic
def add_route(organisation: Organisation, way: Way, *, by: Officer) -> Route:
    """Another way to reach an organisation, after those it has."""
    fresh = _kept(organisation, by)
    if not way.label.strip() or not way.value.strip() or way.sort not in Route.Sort.values:
        raise NotAPartner({"label": "Enter what the route is called and its number, name or address"})
    last = fresh.routes.order_by("position").last()
    route = Route.objects.create(organisation=fresh, position=last.position + 1 if last else 0, **asdict(way))
    record("route added", route, by=by, organisation=fresh.pk)
    return route


@transaction.atomic
def remove_route(route: Route, *, by: Officer) -> None:
    """Take a route away."""
    fresh = _kept(route.organisation, by)
    if Route.objects.filter(pk=route.pk, organisation=fresh).exists():
        record("route removed", route, by=by, organisation=fresh.pk)
        Route.objects.filter(pk=route.pk).delete()


def _kept(organisation: Organisation, by: Officer) -> Organisation:
    _may_keep_partners(by)
    return Organisation.objects.select_for_update().get(pk=organisation.pk)


def _named(name: str, since: date) -> str:
    """A name that holds today: a name of the future is entered on its day, so that no page shows it too early."""
    name = " ".join(name.split())
    problems = {}
    if not name or len(name) > 120:
        problems["name"] = "Enter a name of 120 characters or fewer"
    if since > clock.local(clock.now()).date():
        problems["since"] = "The name must hold today. Enter a name of the future on its day"
    if problems:
        raise NotAPartner(problems)
    return name


def _checked(identity: Identity) -> dict[str, object]:
    prefix = identity.reference_prefix.strip().upper()
    if not (1 <= len(prefix) <= 4 and prefix.isascii() and prefix.isalpha()):
        raise NotAPartner({"reference_prefix": "Enter one to four letters"})
    if len(identity.strapline) > 200:
        raise NotAPartner({"strapline": "The line for residents must be 200 characters or fewer"})
    return {**asdict(identity), "reference_prefix": prefix}


def _slug(name: str) -> str:
    """A short name that no other organisation has."""
    base, number = slugify(name)[:40] or "organisation", 1
    while Organisation.objects.filter(slug=base if number == 1 else f"{base}-{number}").exists():
        number += 1
    return base if number == 1 else f"{base}-{number}"
