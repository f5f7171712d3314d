"""A missing person is found: who carried the search or passed it on is told at once, so that they take it down too."""

from bell.alerts import find, together
from bell.alerts.models import Alert, Carrier, PassedOn, State
from bell.delivery.models import Mailing
from bell.organisations import notices
from bell.organisations.kinds import Kind
from bell.organisations.models import Organisation

_WORDS = "A search that you carried is over. Take down the name and the picture wherever you put them."


def tell_partners(alert: Alert) -> list[Organisation]:
    """Tell the partners of a search which this alert ends, or which is closed by now; returns them.

    Each is told once, by whatever ends the search first. Nothing for any other alert.
    """
    first = find.first_of(alert)
    ends = alert.relation in find.ENDED or first.state == State.CLOSED
    if first.kind != Kind.MISSING or not ends or alert.practice:
        return []
    line = [one.pk for one in find.line_of(first)]
    carried = Carrier.objects.filter(version__alert__in=line, decision=Carrier.Decision.AGREED)
    passed = PassedOn.objects.filter(alert__in=line)
    asked = Alert.objects.filter(pk__in=line).exclude(on_behalf_of=None)
    ids = {
        *carried.values_list("organisation", flat=True),
        *passed.values_list("organisation", flat=True),
        *asked.values_list("on_behalf_of", flat=True),
    } - {alert.organisation_id, None}
    told = []
    for organisation in Organisation.objects.filter(pk__in=ids).order_by("pk"):
        key = f"{first.reference} over {organisation.pk}"
        if Mailing.objects.filter(authority_kind="notice", authority_key=key).exists():
            continue
        told.append(organisation)
        for officer in together.approvers_of(organisation):
            notices.notify(officer, _WORDS, key=key)
    return told
