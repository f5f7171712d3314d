"""Data-sharing agreements: records with dates, kept by few; without one a partner cannot be heard."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.audit.models import Entry
from bell.lib import clock
from bell.organisations import actions, rules
from bell.organisations.actions import NotAllowed, NotAnAgreement, Terms
from bell.organisations.models import Agreement, Organisation
from bell.residents import actions as resident_actions
from bell.residents.actions import Choices
from bell.residents.models import Following
from tests.cast import Cast

pytestmark = pytest.mark.django_db

TODAY = clock.local(clock.now()).date()


def _terms(starts: date = TODAY, ends: date = TODAY + timedelta(days=365)) -> Terms:
    return Terms("Counts", "Safer streets", "Public task", starts, ends, "DSA-7")


def test_the_force_needs_no_agreement(cast: Cast) -> None:
    assert rules.has_agreement(cast.force)
    with pytest.raises(NotAnAgreement):
        actions.agree(cast.force, _terms(), by=cast.dpo)


@given(before=st.integers(0, 50), after=st.integers(0, 50), asked=st.integers(-60, 60))
def test_an_agreement_holds_from_its_first_to_its_last_day(before: int, after: int, asked: int) -> None:
    starts, ends, day = TODAY - timedelta(before), TODAY + timedelta(after), TODAY + timedelta(asked)
    partner = Organisation.objects.create(sort="partner", name="P", slug=f"p{Organisation.objects.count()}")
    Agreement.objects.create(
        organisation=partner, what="w", purpose="p", basis="b", starts=starts, ends=ends, document="d"
    )
    assert rules.has_agreement(partner, day) == (starts <= day <= ends)
    Agreement.objects.all().delete()
    partner.delete()


@pytest.mark.parametrize("role", ["author", "approver", "media", "stranger", "outsider"])
def test_only_administrators_and_protection_officers_of_the_force_keep_agreements(cast: Cast, role: str) -> None:
    with pytest.raises(NotAllowed):
        actions.agree(cast.partner, _terms(), by=getattr(cast, role))
    with pytest.raises(NotAllowed):
        actions.end_agreement(cast.agreement, on=TODAY, by=getattr(cast, role))


def test_keeping_and_ending_are_recorded(cast: Cast) -> None:
    agreement = actions.agree(cast.partner, _terms(), by=cast.administrator)
    ended = actions.end_agreement(agreement, on=TODAY, by=cast.dpo)
    assert ended.ends == TODAY
    kept = Entry.objects.filter(target_type="agreement", target_key=str(agreement.pk))
    assert list(kept.order_by("id").values_list("verb", flat=True)) == ["agreement kept", "agreement ended"]
    with pytest.raises(NotAnAgreement):
        actions.end_agreement(agreement, on=TODAY + timedelta(days=1), by=cast.dpo)


def test_an_agreement_that_ends_before_it_starts_is_refused(cast: Cast) -> None:
    with pytest.raises(NotAnAgreement):
        actions.agree(cast.partner, _terms(ends=TODAY - timedelta(days=1)), by=cast.dpo)


def test_only_partners_with_an_agreement_can_be_chosen(cast: Cast) -> None:
    resident = cast.resident(organisations=(cast.force, cast.partner))
    actions.end_agreement(cast.agreement, on=TODAY, by=cast.dpo)
    Agreement.objects.update(ends=TODAY - timedelta(days=1))
    assert cast.partner not in Organisation.objects.public()
    # Saving choices in the gap neither adds nor drops what is not offered.
    other = cast.resident(organisations=(cast.force, cast.partner))
    assert not Following.objects.of(other).filter(organisation=cast.partner).exists()
    resident_actions.set_choices(resident, Choices(organisations=[cast.force.pk]), by=resident)
    assert Following.objects.of(resident).filter(organisation=cast.partner).exists()
