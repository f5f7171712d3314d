"""What people were promised beside the invariants: paper waits for its confirmation, the erased are forgotten."""

from bell.delivery.models import Delivery
from bell.delivery.models import State as Delivered
from bell.proving.rehearse import erasure
from bell.proving.rehearse import paper as rehearsed
from bell.proving.rehearse.spools import Copy
from bell.proving.rehearse.story import GRACE, Story
from bell.proving.rehearse.verdict import Verdict
from bell.residents.models import Consent, Contact, PaperForm, PendingJoin, Resident

_AT_SEA = (Delivered.QUEUED, Delivered.DEFERRED, Delivered.WAITING)


def paper(story: Story, copies: list[Copy], practice: list[Copy]) -> Verdict:
    """Who confirmed is a member with the form as proof; who did not got one message, and is none."""
    verdict = Verdict(provable=story.doors.own_relay)
    bundle = story.paper
    if not story.doors.own_relay:
        return verdict
    for address in bundle.asked:
        theirs = [copy for copy in [*copies, *practice] if copy.to == address]
        asking = [copy for copy in theirs if copy.subject.startswith(rehearsed.SUBJECT)]
        verdict.check(len(asking) == 1, f"a form's address was asked {len(asking)} times")
        member = Contact.objects.filter(address=address).select_related("resident").first()
        if address in bundle.silent:
            verdict.check(theirs == asking, f"{len(theirs) - len(asking)} copies to one who never confirmed")
            verdict.check(member is None, "one who never confirmed is a member")
            verdict.check(PendingJoin.objects.filter(email=address).exists(), "one who may confirm was forgotten")
        else:
            verdict.check(member is not None, "one who confirmed is no member")
            proof = Consent.objects.filter(resident=member.resident_id if member else 0, how="paper")
            verdict.check(proof.exclude(proof=None).exists(), "a member from paper has no form as proof")
    again = [copy for copy in copies if copy.to == bundle.known and copy.subject.startswith(rehearsed.SUBJECT)]
    verdict.check(not again, "a member was asked to confirm, because of a form")
    joined = PaperForm.objects.filter(state=PaperForm.State.JOINED).count()
    verdict.check(joined == len(bundle.confirmed), f"{joined} forms joined of {len(bundle.confirmed)} confirmed")
    return verdict


def erased(story: Story, copies: list[Copy], practice: list[Copy]) -> Verdict:
    """Nothing to their addresses later than five seconds after, and no trace of these but what is declared."""
    verdict = Verdict(provable=story.doors.own_relay and story.doors.own_gateway)
    one = story.erased
    if one is None:
        verdict.check(False, "nobody could be erased: the update went to nobody")
        return verdict
    late = [copy for copy in [*copies, *practice] if copy.to in one.addresses.values() and copy.at > one.at + GRACE]
    verdict.check(not late, f"{len(late)} copies to somebody after their erasure")
    waits = Delivery.objects.filter(pk__in=one.deliveries, state__in=_AT_SEA)
    verdict.check(not waits.exists(), "something still waits for the one who was erased")
    verdict.check(not Resident.objects.filter(key=one.key).exists(), "the one who was erased is still a resident")
    looked, found = erasure.traces(one)
    verdict.checked += looked
    for where in found:
        verdict.check(False, f"an address of the one who was erased stands in {where}")
    return verdict
