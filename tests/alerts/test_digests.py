"""Digests: who waits, what comes at the hour, what does not come, and that everybody ends exactly once (C7, I1-I3)."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.alerts import actions as alert_actions
from bell.alerts import closing, digests, dispatch
from bell.alerts.models import State
from bell.conversations import receive, web
from bell.conversations.models import Answer, Conversation
from bell.delivery import digests as post_digests
from bell.delivery import inbound, leasing, outbox, post, receipts, unsubscribe
from bell.delivery import restored as post_restored
from bell.delivery.models import Batch, Delivery, DigestItem, Inbound, Lane, Mailing, Suppression
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.privacy import erase
from bell.residents import actions
from bell.residents import digests as chosen
from bell.residents.models import Often, Resident
from bell.residents.rules import reach
from tests.alerts.test_life import release
from tests.delivery.servers import Relay

pytestmark = pytest.mark.django_db
ANSWER = re.compile(r"/r/([a-z2-7]{24})/")


def reader(cast, often=Often.DAILY, **facts):
    """Somebody who chose a digest."""
    person = cast.resident(**facts)
    chosen.choose(person, often, by=person)
    return person


def out(cast, **changes):
    """An alert whose outbox is full."""
    alert, _ = cast.approved(**changes)
    release(alert)
    while dispatch.run_due():
        pass
    alert.refresh_from_db()
    return alert


def row(alert, person, channel="email"):
    return Delivery.objects.get(mailing__reference=alert.reference, recipient_key=person.key, channel=channel)


def states(alert):
    return dict(Delivery.objects.filter(mailing__reference=alert.reference).values_list("recipient_key", "state"))


def the_hour():
    """Five o'clock has come for everybody."""
    DigestItem.objects.filter(digest=None).update(due_at=clock.now() - timedelta(seconds=1))


def rows_of_digests():
    return Delivery.objects.filter(mailing__stream="digest").order_by("pk")


def lease_a_digest():
    """A batch of a digest, in a worker's hands."""
    Batch.objects.exclude(mailing__stream="digest").update(state="done")
    lease = leasing.take("tests")
    assert lease is None or lease.mailing.stream == "digest"
    return lease


def sent_all():
    """Send all that is due over a real connection: [(address, mail)]."""
    while outbox.run_once("tests"):
        pass
    outbox.close()


@pytest.fixture
def relay(settings):
    with Relay() as one:
        settings.SMTP_URL = one.url
        yield one
        outbox.close()


def to_people(relay):
    """Residents' addresses that got mail; officers' notices aside."""
    return [address for address in relay.to() if not address.endswith("@police.example")]


def mails(relay, address):
    found = [one for one in relay.spool if one.recipient == address]
    return [message_from_bytes(one.data, policy=policy.default) for one in found]


@pytest.mark.parametrize(
    ("after", "often", "due"),
    [
        (datetime(2026, 11, 20, 16, 59), Often.DAILY, datetime(2026, 11, 20, 17)),
        (datetime(2026, 11, 20, 17, 0), Often.DAILY, datetime(2026, 11, 21, 17)),
        (datetime(2026, 11, 20, 16, 59), Often.WEEKLY, datetime(2026, 11, 20, 17)),  # a Friday
        (datetime(2026, 11, 20, 17, 0), Often.WEEKLY, datetime(2026, 11, 27, 17)),
        # The clocks go back on 25 October 2026 and forward on 28 March 2027: five o'clock stays five o'clock.
        (datetime(2026, 10, 24, 18, 0), Often.DAILY, datetime(2026, 10, 25, 17)),
        (datetime(2027, 3, 27, 18, 0), Often.DAILY, datetime(2027, 3, 28, 17)),
        (datetime(2027, 3, 26, 18, 0), Often.WEEKLY, datetime(2027, 4, 2, 17)),
    ],
)
def test_the_hour_is_five_on_londons_clocks(after, often, due):
    found = chosen.next_digest(often, after.replace(tzinfo=clock.LONDON))
    assert found == due.replace(tzinfo=clock.LONDON)
    assert clock.local(found).hour == 17


def test_only_email_of_who_chose_it_waits_and_the_alert_is_sent_meanwhile(cast):
    daily = reader(cast, mobile="07700 900321")
    weekly, at_once = reader(cast, Often.WEEKLY), cast.resident()
    alert = out(cast, by_sms=True)
    assert row(alert, daily).state == row(alert, weekly).state == Delivered.WAITING
    assert row(alert, daily, "sms").state == row(alert, at_once).state == Delivered.QUEUED
    due = dict(DigestItem.objects.values_list("delivery__recipient_key", "due_at"))
    assert due == {
        daily.key: chosen.next_digest(Often.DAILY, clock.now()),
        weekly.key: chosen.next_digest(Often.WEEKLY, clock.now()),
    }
    Delivery.objects.filter(state="queued").update(state="sent")
    while dispatch.run_due():
        pass
    alert.refresh_from_db()
    assert alert.state == State.SENT


@pytest.mark.parametrize("what", ["urgent", "missing", "practice"])
def test_what_never_waits(cast, what):
    person = reader(cast)
    if what == "practice":
        for officer in (cast.author, cast.approver):
            officer.practice = True
            officer.save(update_fields=["practice"])
    kind = {"kind": Kind.MISSING, "fields": {"description": "A man of 80"}} if what == "missing" else {}
    draft = cast.draft(**kind)
    alert = out(cast, alert=alert_actions.edit(draft, by=cast.author, urgent=what == "urgent"))
    assert alert.practice == (what == "practice")
    assert row(alert, person).state == Delivered.QUEUED
    assert not DigestItem.objects.exists()


def test_an_event_that_would_be_over_comes_at_once(cast):
    soon, later = clock.now() + timedelta(minutes=1), clock.now() + timedelta(days=30)
    daily = reader(cast)
    said = {"event_time": "soon", "event_place": "Town hall"}
    first = out(cast, kind=Kind.EVENT, fields={**said, "event_time_at": soon.isoformat()})
    second = out(cast, kind=Kind.EVENT, title="In a month", fields={**said, "event_time_at": later.isoformat()})
    assert row(first, daily).state == Delivered.QUEUED
    assert row(second, daily).state == Delivered.WAITING


def test_a_digest_in_quiet_hours_comes_when_they_end(cast):
    person = reader(cast)
    actions.set_quiet(person, hours=(16 * 60, 19 * 60), by=person)
    alert = out(cast)
    due = DigestItem.objects.get().due_at
    assert clock.local(due).hour == 19
    actions.set_quiet(person, hours=None, by=person)
    assert clock.local(DigestItem.objects.get().due_at).hour == 17
    assert row(alert, person).state == Delivered.WAITING


def test_at_the_hour_one_email_brings_all_with_an_answer_link_each(cast, relay):
    one, two, other = reader(cast), reader(cast, Often.WEEKLY), reader(cast, kinds=(Kind.PREVENTION,))
    crime, advice = out(cast), out(cast, kind=Kind.PREVENTION, title="Mark your tools", body="Come to us. " * 100)
    sent_all()
    assert not to_people(relay)
    the_hour()
    assert digests.run_due()
    assert Mailing.objects.filter(stream="digest").count() == 2  # the two share one
    sent_all()
    digests.run_due()
    address = one.contacts.get().address
    (mail,) = mails(relay, address)
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Digest: Shed burglaries in Heanor, and 1 more"
    assert "Shed burglaries" in text and "Mark your tools" in text and "…" in text
    assert f"/a/{crime.reference}/" in text and f"/a/{advice.reference}/" in text
    tokens = ANSWER.findall(text)
    assert [web.open_link(token)[0] for token in tokens] == [crime, advice]
    assert {web.open_link(token)[1].recipient_key for token in tokens} == {one.key}
    html = mail.get_body(("html",)).get_content()
    assert ANSWER.findall(html) == tokens and "slot0" not in text + html
    (alone,) = mails(relay, other.contacts.get().address)
    assert alone["Subject"] == "Digest: Mark your tools"
    assert states(crime) == {one.key: "sent", two.key: "sent"}
    assert states(advice) == {one.key: "sent", two.key: "sent", other.key: "sent"}
    assert set(rows_of_digests().values_list("batch__lane", flat=True)) == {Lane.DIGEST}
    assert not DigestItem.objects.filter(over=False).exists()
    assert not Mailing.objects.filter(stream="digest", filled_at=None).exists()


def test_a_tap_goes_to_its_alert_and_a_reply_to_the_local_team(cast, relay):
    person = reader(cast)
    crime = out(cast)
    out(cast, kind=Kind.PREVENTION, title="Mark your tools")
    the_hour()
    digests.run_due()
    sent_all()
    (mail,) = mails(relay, person.contacts.get().address)
    token = ANSWER.findall(mail.get_body(("plain",)).get_content())[0]
    web.answer(token, choice="nothing")
    assert Answer.objects.get().alert == crime
    sender, to = person.contacts.get().address, str(mail["Reply-To"]).strip("<>")
    raw = f"From: {sender}\r\nTo: {to}\r\nMessage-ID: <1@home.example>\r\n\r\nHello\r\n"
    inbound.store("lmtp", "", Inbound.Kind.MAIL, raw.encode(), envelope_from=sender, envelope_to=to)
    receive.run()
    talk = Conversation.objects.get(alert=None)
    assert (talk.team, talk.resident) == (cast.team, person)


NOES = {
    "kind switched off": lambda cast, person, alert: actions.set_choices(
        person, actions.Choices(["event"], [], [], [cast.force.pk]), by=person
    ),
    "organisation no more": lambda cast, person, alert: actions.set_choices(
        person, actions.Choices(list(Kind.values), [], [], []), by=person
    ),
    "one-click for the kind": lambda cast, person, alert: actions.unsubscribe(
        recipient_key=person.key, stream=f"{cast.force.pk}.crime", by="one-click"
    ),
    "one-click for the digest": lambda cast, person, alert: actions.unsubscribe(
        recipient_key=person.key, stream="digest", by="one-click"
    ),
    "pause": lambda cast, person, alert: actions.pause(person, until=clock.now() + timedelta(days=9), by=person),
    "leave": lambda cast, person, alert: actions.leave(person, by=person, how="web"),
    "dead address": lambda cast, person, alert: post.suppress(
        address_key=person.contacts.get().address_key, channel="email", reason="hard bounce"
    ),
    "erasure": lambda cast, person, alert: erase.erase(person, by=person, why="asked"),
    "stop sending": lambda cast, person, alert: alert_actions.stop(alert, by=cast.approver),
    "closed": lambda cast, person, alert: closing.close(alert, by=cast.author, outcome="Two people were charged."),
}


def finished(alert):
    """Everything but digests has ended."""
    Delivery.objects.filter(mailing__reference=alert.reference, state="queued").update(state="sent")
    while dispatch.run_due():
        pass
    alert.refresh_from_db()
    return alert


@pytest.mark.parametrize("when", ["before", "built", "read ahead"])
@pytest.mark.parametrize("why", NOES)
def test_a_no_takes_the_message_out_of_the_digest(cast, relay, why, when):
    """Before the digest is made, after it was made, and while a worker has its batch and has begun nothing of it."""
    person, other = reader(cast), reader(cast)
    alert = finished(out(cast))
    advice = finished(out(cast, kind=Kind.PREVENTION, title="Mark your tools"))
    the_hour()
    if when != "before":
        post_digests.build(post_digests.Writer(digests.over, digests.write))
    lease = lease_a_digest() if when == "read ahead" else None
    address = person.contacts.get().address
    NOES[why](cast, person, alert)
    assert not Delivery.objects.filter(mailing__reference=alert.reference, recipient_key=person.key, state="waiting")
    for _ in range(3):
        if lease is not None:
            outbox.send(lease)
            lease = None
        digests.run_due()
        sent_all()
    wanted = [mail.get_body(("plain",)).get_content() for mail in mails(relay, address)]
    assert not any("Shed burglaries" in text for text in wanted)
    # Whoever only said no to that, or whose alert was stopped, still gets the other message, once.
    rest = why in ("one-click for the kind", "stop sending", "closed")
    assert sum("Mark your tools" in text for text in wanted) == (1 if rest else 0)
    ends = {"sent", "suppressed", "cancelled", "expired"}
    assert set(states(alert).values()) <= ends and set(states(advice).values()) <= ends
    assert not DigestItem.objects.filter(over=False).exists()
    of_other = [mail.get_body(("plain",)).get_content() for mail in mails(relay, other.contacts.get().address)]
    assert sum("Mark your tools" in text for text in of_other) == 1
    assert sum("Shed burglaries" in text for text in of_other) == (0 if why in ("stop sending", "closed") else 1)


@pytest.mark.parametrize("why", ["stop sending", "leave", "one-click for the digest", "pause"])
def test_a_no_while_the_digest_is_under_way_is_too_late_and_says_so(cast, relay, why):
    """Begun and then taken back: it did go out, and so did both messages in it; nothing is sent a second time."""
    person = reader(cast)
    alert, advice = finished(out(cast)), finished(out(cast, kind=Kind.PREVENTION, title="Mark your tools"))
    the_hour()
    digests.run_due()
    lease = lease_a_digest()
    begun = outbox._persist(lease, {}, [], 1)
    NOES[why](cast, person, alert)
    digests.run_due()  # while it is under way nobody makes another
    assert rows_of_digests().count() == 1
    accepted = outbox.Result(outbox.Outcome.ACCEPTED)
    outbox._persist(lease, {begun[0].id: accepted}, begun, 0)
    digests.run_due()
    sent_all()
    assert not to_people(relay)
    assert states(alert) == states(advice) == {person.key: "sent"}


def test_a_digest_whose_worker_died_is_uncertain_in_every_message_of_it(cast):
    person = reader(cast)
    alert = finished(out(cast))
    the_hour()
    digests.run_due()
    lease = lease_a_digest()
    outbox._persist(lease, {}, [], 1)
    alert_actions.stop(alert, by=cast.approver)
    Batch.objects.filter(state="leased").update(lease_until=clock.now() - timedelta(seconds=1))
    outbox.sweep()
    digests.run_due()
    assert states(alert) == {person.key: "uncertain"}


@pytest.mark.parametrize(("state", "ends"), [("bounced", "bounced"), ("delivered", "delivered"), ("failed", "failed")])
def test_what_is_reported_of_the_digest_is_reported_of_its_messages(cast, relay, state, ends):
    person = reader(cast)
    alert, advice = out(cast), out(cast, kind=Kind.PREVENTION, title="Mark your tools")
    the_hour()
    digests.run_due()
    sent_all()
    digest = rows_of_digests().get()
    receipts.apply(digest.pk, Delivered(state), "5.1.1 nobody")  # before we noted that it was sent
    digests.run_due()
    assert states(alert) == states(advice) == {person.key: ends}
    receipts.apply(digest.pk, Delivered.DELIVERED, "")
    assert states(alert) == states(advice) == {person.key: "delivered"}


def test_of_two_with_one_address_one_gets_the_digest_and_the_other_row_says_so(cast, relay):
    one, two = reader(cast), reader(cast)
    alert = out(cast)
    shared = one.contacts.get()
    # Somebody moved to an address while both waited: the constraint of the table does not let both have it there.
    Delivery.objects.filter(recipient_key=two.key).update(address=shared.address)
    advice = out(cast, kind=Kind.PREVENTION, title="Mark your tools")
    Delivery.objects.filter(mailing__reference=advice.reference).update(address=shared.address)
    the_hour()
    digests.run_due()
    sent_all()
    digests.run_due()
    assert not DigestItem.objects.filter(over=False).exists()
    assert set(states(alert)) == {one.key, two.key}


def test_who_wants_it_at_once_again_gets_what_waits_now(cast, relay):
    person = reader(cast, Often.WEEKLY)
    alert = out(cast)
    digests.run_due()
    assert row(alert, person).state == "waiting"
    chosen.choose(person, Often.AT_ONCE, by=person)
    digests.run_due()
    sent_all()
    digests.run_due()
    assert row(alert, person).state == "sent"
    assert row(out(cast, title="Another"), person).state == "queued"


def test_a_new_address_gets_what_waits(cast, relay):
    person = reader(cast)
    alert = out(cast)
    actions.add_contact(person, reach("email", "new@home.example"), by=person)
    the_hour()
    digests.run_due()
    sent_all()
    # The old one hears that it was changed, and nothing else.
    assert sorted(to_people(relay)) == ["new@home.example", "resident1@home.example"]
    assert row(alert, person).address == "new@home.example"


def test_an_update_comes_with_its_alert_and_a_stand_down_ends_it(cast, relay):
    person, at_once = reader(cast), cast.resident()
    alert = finished(out(cast))
    draft = alert_actions.follow_up(alert, relation="update", by=cast.author)
    draft = alert_actions.edit(draft, by=cast.author, title="A blue van", body="It was blue.")
    update = out(cast, alert=draft)
    assert states(update) == {person.key: "waiting", at_once.key: "queued"}
    outcome = alert_actions.follow_up(alert, relation="outcome", by=cast.author)
    outcome = alert_actions.edit(outcome, by=cast.author, title="Two charged", body="Thank you.")
    out(cast, alert=outcome)
    assert states(alert) == {person.key: "expired", at_once.key: "sent"}
    assert person.key not in states(outcome)  # never asked, so not thanked


def test_stop_is_offered_while_somebody_waits_and_refused_after(cast, relay):
    reader(cast)
    alert = finished(out(cast))
    assert alert.state == State.SENT and digests.keeps(alert)
    other = finished(out(cast, title="Other", audience={"areas": [cast.east.pk], "shapes": [], "groups": []}))
    with pytest.raises(alert_actions.NotAllowed, match="correction"):
        alert_actions.stop(other, by=cast.approver)
    assert alert_actions.stop(alert, by=cast.approver).state == State.STOPPED
    the_hour()
    digests.run_due()
    sent_all()
    assert not to_people(relay)


def test_an_unsubscribed_digest_is_silent_until_it_is_chosen_again(cast, relay):
    person = reader(cast)
    actions.unsubscribe(recipient_key=person.key, stream="digest", by="one-click")
    assert chosen.is_stopped(person)
    alert = out(cast)
    urgent = out(cast, alert=alert_actions.edit(cast.draft(title="Urgent"), by=cast.author, urgent=True))
    the_hour()
    digests.run_due()
    sent_all()
    digests.run_due()
    assert states(alert) == {person.key: "suppressed"} and states(urgent) == {person.key: "sent"}
    person.refresh_from_db()
    chosen.choose(person, Often.DAILY, by=person)
    assert not chosen.is_stopped(person) and not Suppression.objects.filter(stream="digest").exists()


def test_more_than_an_email_holds_comes_in_two(cast, relay, monkeypatch):
    monkeypatch.setattr(post_digests, "MOST_ITEMS", 2)
    person = reader(cast)
    alerts = [out(cast, title=f"Number {number}") for number in range(3)]
    the_hour()
    digests.run_due()
    sent_all()
    digests.run_due()
    subjects = [mail["Subject"] for mail in mails(relay, person.contacts.get().address)]
    assert sorted(subjects) == ["Digest: Number 0, and 1 more", "Digest: Number 2"]
    assert all(states(alert) == {person.key: "sent"} for alert in alerts)


def test_each_reads_a_digest_in_their_language_as_far_as_it_goes(cast, relay):
    pole, other = reader(cast), reader(cast)
    Resident.objects.filter(pk=pole.pk).update(language="pl")
    said = {"title": "Włamania do szop", "body": "Czy widziałeś białą furgonetkę?", "sms_text": "", "fields": {}}
    draft = alert_actions.edit(cast.draft(), by=cast.author, languages={"pl": said})
    out(cast, alert=draft)
    out(cast, kind=Kind.PREVENTION, title="Mark your tools")
    the_hour()
    digests.run_due()
    sent_all()
    (polish,), (english,) = (mails(relay, one.contacts.get().address) for one in (pole, other))
    assert polish["Subject"] == "Digest: Włamania do szop, and 1 more"
    text = polish.get_body(("plain",)).get_content()
    assert "białą furgonetkę" in text and "Mark your tools" in text and "Shed burglaries" not in text
    assert '<div lang="pl" dir="ltr">' in polish.get_body(("html",)).get_content()
    assert english["Subject"] == "Digest: Shed burglaries in Heanor, and 1 more"
    assert len(set(ANSWER.findall(text))) == 2


def test_nothing_of_a_restored_backup_comes_in_a_digest(cast, relay):
    person = reader(cast)
    alert = out(cast)
    post_restored.hold_back()
    the_hour()
    digests.run_due()
    sent_all()
    assert not to_people(relay) and states(alert) == {person.key: "uncertain"}


def test_the_stop_link_of_an_item_stops_its_kind(cast, relay):
    person = reader(cast)
    out(cast)
    the_hour()
    digests.run_due()
    sent_all()
    (mail,) = mails(relay, person.contacts.get().address)
    read = [
        unsubscribe.read(token) for token in re.findall(r"/u/([a-z2-7]{64})/", mail.get_body(("plain",)).get_content())
    ]
    assert read == [(person.key, f"{cast.force.pk}.crime"), (person.key, "digest")]
    listed = re.search(r"/u/([a-z2-7]{64})/", mail["List-Unsubscribe"])
    assert unsubscribe.read(listed[1]) == (person.key, "digest")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


STEPS = ("alert", "hour", "build", "settle", "send", "stop", "no", "again", "receipt")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=14))
def test_whatever_happens_everybody_ends_once_and_no_message_comes_twice(cast, steps):
    """I1 and I2 over any order of alerts, hours, stops, noes and results."""
    with transaction.atomic():
        people = [reader(cast, often) for often in (Often.DAILY, Often.WEEKLY)]
        alerts = []
        arrived = []

        def send():
            """Every digest that is queued goes out: what stands in it has arrived."""
            for one in rows_of_digests().filter(state="queued"):
                arrived.extend(one.items.values_list("pk", flat=True))
            rows_of_digests().filter(state="queued").update(state="sent")
            Batch.objects.update(state="done")

        for step, number in steps:
            person = people[number % 2]
            if step == "alert":
                alerts.append(finished(out(cast, title=f"Alert {len(alerts)}")))
            elif step == "hour":
                the_hour()
            elif step == "build":
                post_digests.build(post_digests.Writer(digests.over, digests.write))
            elif step == "settle":
                post_digests.settle()
            elif step == "send":
                send()
            elif step == "stop" and alerts:
                alert = alerts[number % len(alerts)]
                if alert.state == State.SENT and digests.keeps(alert):
                    alert_actions.stop(alert, by=cast.approver)
                    alert.refresh_from_db()
            elif step == "no":
                actions.pause(person, until=clock.now() + timedelta(days=1), by=person)
            elif step == "again":
                actions.pause(person, until=None, by=person)
            elif step == "receipt":
                for one in rows_of_digests().filter(state="sent")[number : number + 1]:
                    receipts.apply(one.pk, Delivered.DELIVERED, "")
        for _ in range(6):
            the_hour()
            digests.run_due()
            send()
        assert len(arrived) == len(set(arrived))
        kept = Delivery.objects.filter(mailing__reference__in=[one.reference for one in alerts])
        assert not kept.filter(state="waiting").exists()
        went = set(kept.filter(state__in=["sent", "delivered"]).values_list("pk", flat=True))
        assert went == set(arrived)
        transaction.set_rollback(True)
