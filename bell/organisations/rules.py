"""Who may do what: pure questions about an officer, a team and a place."""

from datetime import date, timedelta

from shapely.geometry.base import BaseGeometry

from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Agreement, Grant, GrantProposal, Officer, Organisation, Role, Team
from bell.places import find


def roles(officer: Officer, team: Team) -> set[str]:
    """The officer's roles in a team; none once the account is switched off."""
    if not officer.is_active or officer.organisation_id != team.organisation_id:
        return set()
    return set(Grant.objects.filter(officer=officer, team=team).values_list("role", flat=True))


def teams_as(officer: Officer, *wanted: str) -> list[Team]:
    """Teams in which the officer holds any of these roles, by name."""
    if not officer.is_active:
        return []
    found = Team.objects.visible_to(officer).filter(grants__officer=officer, grants__role__in=wanted)
    return list(found.distinct())


def may_write(officer: Officer, team: Team) -> bool:
    """Authors, approvers and the Media Team write for their team."""
    return bool(roles(officer, team) & {Role.AUTHOR, Role.APPROVER, Role.MEDIA})


def kinds_to_begin(organisation: Organisation) -> list[Kind]:
    """The kinds that an organisation's officers begin: an outcome begins on its appeal, a partner notice in the
    partner's own house."""
    not_here = {Kind.OUTCOME} | ({Kind.PARTNER} if organisation.sort == Organisation.Sort.FORCE else set())
    return [kind for kind in Kind if kind not in not_here]


def why_not_begin(kind: str, organisation: Organisation, *, behalf: Organisation | None = None) -> str:
    """Why an organisation's officers cannot write an alert of a kind, or nothing. `behalf`: the partner that asked."""
    partners = organisation if behalf is None else behalf
    if kind == Kind.PARTNER and partners.sort == Organisation.Sort.FORCE:
        return (
            "A partner notice is a partner’s own message. We send one only when a partner asks us to: their requests "
            "stand under Together."
        )
    return ""


def may_approve(officer: Officer, team: Team) -> bool:
    """Approvers of the team, and the Media Team's approvers for every team of the force."""
    if Role.APPROVER in roles(officer, team):
        return True
    return (
        officer.is_active
        and officer.organisation_id == team.organisation_id
        and Grant.objects.filter(officer=officer, role=Role.APPROVER, team__whole_force=True).exists()
    )


def may_administer(officer: Officer) -> bool:
    """Administrators of any team of the organisation."""
    return officer.is_active and Grant.objects.filter(officer=officer, role=Role.ADMINISTRATOR).exists()


def administrators(organisation: Organisation) -> list[Officer]:
    """Everybody who may administer an organisation today."""
    found = Officer.objects.filter(organisation=organisation, is_active=True, grants__role=Role.ADMINISTRATOR)
    return list(found.distinct().order_by("pk"))


def keeps_officer(by: Officer, officer: Officer) -> bool:
    """Who changes an officer, gives roles and takes them: an administrator of the same organisation, never oneself."""
    return may_administer(by) and by.organisation_id == officer.organisation_id and by.pk != officer.pk


def role_choices(organisation: Organisation) -> list[tuple[str, str]]:
    """The roles that can be given there. Data protection officers are the force's."""
    force = organisation.sort == Organisation.Sort.FORCE
    return [(role.value, str(role.label)) for role in Role if force or role != Role.DPO]


def _seem_one(one: Officer, other: Officer) -> bool:
    """Whether two accounts are one person's, or bear one name: where powers are given, rather once too often."""
    names = [" ".join(officer.name.casefold().split()) for officer in (one, other)]
    return is_same_person(one, other) or names[0] == names[1]


TOLD_COUNTS_FOR = timedelta(days=7)
"""So long after somebody told an officer a password, the two do not count as two people who check each other."""


def _told_lately(officer: Officer) -> bool:
    """Whether somebody who told them a password may be the one who uses it."""
    return officer.told_at is not None and officer.told_at > clock.now() - TOLD_COUNTS_FOR


def told_lately_by(officer: Officer) -> Officer | None:
    """Who told an officer a password so lately that they may be the one who uses it."""
    return officer.told_by if _told_lately(officer) else None


def why_not_confirm(by: Officer, proposal: GrantProposal) -> str:
    """Why this officer may not confirm a proposal, in words; "" where they may.

    Four eyes: an administrator who is neither who proposed it nor whom it is about, nor either of them by another
    account; to whom the proposer has not just told a password (and so might be); and who has not just told one to whom
    it is about (and so might be them).
    """
    if not may_administer(by) or by.organisation_id != proposal.officer.organisation_id:
        return "Only an administrator of the same organisation confirms a role."
    if _seem_one(by, proposal.officer):
        return "Nobody confirms a role of their own. Another administrator must do it."
    if _seem_one(by, proposal.proposed_by):
        return "You proposed this. Another administrator must confirm it."
    if _told_lately(by) and by.told_by_id == proposal.proposed_by_id:
        return "Who proposed this told you your password within the last 7 days. Another administrator must confirm it."
    teller = told_lately_by(proposal.officer)
    if teller is not None and _seem_one(by, teller):
        return "You told them a password within the last 7 days. Another administrator must confirm it."
    if not may_administer(proposal.proposed_by):
        return "Who proposed this is no administrator any more. Propose it again."
    if not proposal.officer.is_active:
        return "This account is switched off."
    return ""


def may_look_after(officer: Officer) -> bool:
    """Who sees how the service is: administrators of the force."""
    return officer.organisation.sort == Organisation.Sort.FORCE and may_administer(officer)


def may_protect(officer: Officer) -> bool:
    """The data protection officers of the force: they withhold, restrict, erase and agree. A partner has none here."""
    return (
        officer.is_active
        and officer.organisation.sort == Organisation.Sort.FORCE
        and Grant.objects.filter(officer=officer, role=Role.DPO, team__organisation=officer.organisation_id).exists()
    )


def may_agree(officer: Officer) -> bool:
    """Who keeps the data-sharing agreements: administrators and data protection officers of the force."""
    force = officer.organisation.sort == Organisation.Sort.FORCE
    return force and (may_administer(officer) or may_protect(officer))


def has_agreement(organisation: Organisation, on: date | None = None) -> bool:
    """Whether an organisation may write to residents on a day (today): the force always, a partner by an agreement."""
    if organisation.sort == Organisation.Sort.FORCE:
        return True
    day = on or clock.local(clock.now()).date()
    return Agreement.objects.current(day).filter(organisation=organisation).exists()


def may_keep_partners(officer: Officer) -> bool:
    """Who keeps organisations, their names and routes: administrators of the force."""
    return officer.organisation.sort == Organisation.Sort.FORCE and may_administer(officer)


def name_on(organisation: Organisation, day: date) -> str:
    """What an organisation was called on a day (G6). Before its first dated name it had that name already."""
    names = list(organisation.names.all())
    if not names:
        return organisation.name
    return next((one.name for one in reversed(names) if one.since <= day), names[0].name)


def is_same_person(one: Officer, other: Officer) -> bool:
    """Whether two accounts are one person's: as an administrator said, the same work mobile, or the same mailbox.

    That two accounts have the same passkey or code app cannot be seen: each makes its own secret.
    """
    if one.pk == other.pk:
        return True
    if one.person and one.person == other.person:
        return True
    if one.mobile and other.mobile and _digits(one.mobile) == _digits(other.mobile):
        return True
    return _mailbox(one.email) == _mailbox(other.email)


def _digits(mobile: str) -> str:
    """The last ten digits: the same for 07700 900123 and +44 7700 900123."""
    return "".join(filter(str.isdigit, mobile))[-10:]


def _mailbox(email: str) -> str:
    """Where an email really ends up: what stands behind a plus sign is a label, not another person (RFC 5233)."""
    local, _, host = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"


def practises(officer: Officer, team: Team | None = None) -> bool:
    """Whether what the officer does (for a team) is practice: theirs, the team's, or that of all teams they are in."""
    if officer.practice or (team is not None and team.practice):
        return True
    own = set(Team.objects.filter(grants__officer=officer).values_list("practice", flat=True))
    return own == {True}


def teams_in_practice(officer: Officer) -> list[Team]:
    """The officer's own teams that practise, by name."""
    return list(Team.objects.filter(grants__officer=officer, practice=True).distinct())


def patch_area_ids(team: Team) -> set[int] | None:
    """Areas the team may choose by name (its patch and all within); None means anywhere in the force."""
    if team.whole_force:
        return None
    return find.under(list(team.patch.values_list("id", flat=True)))


def patch_ground(team: Team) -> BaseGeometry | None:
    """The team's own ground without its margin; None where it serves the whole force or has no patch."""
    areas = [] if team.whole_force else list(team.patch.all())
    return shapes.union([find.shape(area) for area in areas]) if areas else None


def patch_shape(team: Team) -> BaseGeometry | None:
    """The team's ground with its agreed margin; None means the whole territory."""
    if team.whole_force:
        return find.territory()
    areas = list(team.patch.all())
    if not areas:
        return None
    return shapes.margin(shapes.union([find.shape(area) for area in areas]), team.margin_m)
