"""A missing person is found: who carried the search or passed it on is told at once, so that they take it down too."""

from bell.alerts import find, together
from bell.alerts.models import Alert, Carrier, PassedOn
from bell.organisations import notices
from bell.organisations.kinds import Kind
from bell.organisations.models import Organisation

_WORDS = "A search that you carried is over. Take down the name and the picture wherever you put them."


def tell_partners(alert: Alert) -> list[Organisation]:
    """Tell the partners of a search which this alert ends; returns them. Nothing for any other alert."""
    first = find.first_of(alert)
    if first.kind != Kind.MISSING or alert.relation not in find.ENDED or alert.practice:
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
    found = list(Organisation.objects.filter(pk__in=ids).order_by("pk"))
    for organisation in found:
        for officer in together.approvers_of(organisation):
            notices.notify(officer, _WORDS, key=f"{alert.reference} over {organisation.pk}")
    return found
