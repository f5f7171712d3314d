"""The picture of an alert: approved by its hash, carried within each mail, gone when a search is over."""

import email
import email.policy
import hashlib

import pytest

from bell.alerts import actions, approving, content, dispatch, pictures, rules, standing_down, together
from bell.alerts.models import Alert, Picture
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from bell.delivery import outbox, post
from bell.delivery.email import anymail, render
from bell.delivery.models import Delivery, Mailing
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.delivery.servers import Relay
from tests.lib.pictures import bomb, photo

PHOTO = photo()


@pytest.fixture
def alert(cast) -> Alert:
    return pictures.attach(cast.draft(), by=cast.author, alt="A grey van", data=PHOTO)


def gone_out(alert):
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    return Mailing.objects.filter(reference=alert.reference).first()


def parsed(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def test_it_is_kept_by_its_hash_and_frozen_with_its_words(alert):
    kept = alert.picture
    assert hashlib.sha256(kept.data).hexdigest() == kept.sha256 and b"SecretCamera" not in bytes(kept.data)
    assert rules.snapshot(alert)["picture"] == {"sha256": kept.sha256, "alt": "A grey van"}
    assert Entry.objects.filter(verb="picture attached", target_key=str(alert.pk)).count() == 1
    assert (alert.edit, alert.last_editor) == (1, alert.author)


def test_without_one_nothing_is_frozen_of_it_and_old_hashes_hold(cast):
    frozen = rules.snapshot(cast.draft())
    said = content.build(frozen)
    before = {name: value for name, value in said.as_json().items() if name != "inline"}
    assert "picture" not in frozen and "<img" not in said.html
    assert post.Content.from_json(before).digest() == said.digest()


def test_each_mail_carries_it_within_and_loads_nothing(cast, settings, alert):
    cast.resident(email="meg@home.example")
    cast.approved(alert)
    mailing = gone_out(alert)
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        while outbox.run_once("w1"):
            pass
        outbox.close()
    mail = next(m for m in (parsed(one.data) for one in relay.spool) if m["X-Alert-Reference"] == alert.reference)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "multipart/related"]
    html, picture = mail.get_payload()[1].iter_parts()
    assert hashlib.sha256(picture.get_content()).hexdigest() == alert.picture.sha256
    name = picture["Content-ID"].strip("<>")
    assert f'src="cid:{name}"' in html.get_content() and html.get_content().count("src=") == 1
    assert 'alt="A grey van"' in html.get_content() and picture["Content-Disposition"].startswith("inline")
    assert "Picture: A grey van" in mail.get_body(("plain",)).get_content()
    assert max(len(line) for line in relay.spool[0].data.split(b"\r\n")) <= 998
    assert post.tally(mailing)["email"] == {"sent": 1}


def test_a_provider_gets_it_too(cast, alert):
    form = render.Form(content.build(rules.snapshot(alert)), stream="1.crime", reference=alert.reference)
    letter = form.letter(render.Person(7, 7, "meg@home.example"))
    message = anymail.as_message(letter, 7, provider="postal")
    kept = [one for one in message.attachments if not isinstance(one, tuple)]
    assert [one.get_payload(decode=True) for one in kept] == [bytes(alert.picture.data)]
    assert f"cid:{kept[0]['Content-ID'].strip('<>')}" in message.alternatives[0][0]


@pytest.mark.parametrize("change", ["another picture", "other words", "no picture", "other bytes"])
def test_what_was_not_approved_does_not_leave(cast, alert, change):
    cast.resident()
    cast.approved(alert)
    other = pictures._kept(pictures.pictures.for_mail(photo(640, 480)).data)
    Alert.objects.filter(pk=alert.pk).update(
        **{
            "another picture": {"picture": other},
            "other words": {"picture_alt": "A blue van"},
            "no picture": {"picture": None},
            "other bytes": {},
        }[change]
    )
    if change == "other bytes":
        Picture.objects.filter(pk=alert.picture_id).update(data=other.data)
    assert gone_out(alert) is None
    assert Alert.objects.get(pk=alert.pk).state == "draft"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"alt": "", "data": PHOTO}, "alt"),
        ({"alt": "x" * 301, "data": PHOTO}, "alt"),
        ({"alt": "A van", "data": b""}, "file"),
        ({"alt": "A van", "data": bomb()}, "file"),
        ({"alt": "A van", "data": b"\xff\xd8\xff" + bytes(100)}, "file"),
        ({"alt": "A van", "data": bytes(pictures.MOST_BYTES + 1)}, "file"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(cast, given, field):
    alert = cast.draft()
    with pytest.raises(Unfinished) as raised:
        pictures.attach(alert, by=cast.author, **given)
    assert set(raised.value.problems) == {field} and not Picture.objects.exists()


def test_strangers_and_frozen_alerts_are_refused(cast, alert):
    for officer in (cast.stranger, cast.outsider, cast.administrator):
        with pytest.raises(NotAllowed):
            pictures.attach(alert, by=officer, alt="Mine", data=PHOTO)
        with pytest.raises(NotAllowed):
            pictures.remove(alert, by=officer)
    actions.submit(alert, by=cast.author)
    with pytest.raises(NotAllowed):
        pictures.remove(alert, by=cast.author)


def test_who_chose_the_picture_cannot_approve_it(cast, alert):
    pictures.attach(alert, by=cast.approver, alt="A blue van")
    alert = actions.edit(alert, by=cast.author, title="Edited by another hand afterwards")
    version = actions.submit(alert, by=cast.author)
    assert "You wrote, edited or submitted" in approving.barred(cast.approver, version)
    assert not approving.barred(cast.second_approver, version)


def test_a_picture_that_nothing_needs_is_deleted_and_a_frozen_one_kept(cast, alert):
    first = alert.picture.sha256
    alert = pictures.attach(alert, by=cast.author, alt="Another", data=photo(640, 480))
    assert not Picture.objects.filter(sha256=first).exists()
    version = actions.submit(alert, by=cast.author)
    alert = pictures.remove(actions.take_back(alert, by=cast.author), by=cast.author)
    assert alert.picture is None
    frozen = version.frozen["picture"]["sha256"]
    assert pictures.shown(alert, frozen) is not None and pictures.intact(version.frozen)
    assert pictures.shown(cast.draft(), frozen) is None


def test_two_alerts_with_one_picture_keep_it_once(cast, alert):
    other = pictures.attach(cast.draft(), by=cast.author, alt="The same", data=PHOTO)
    assert other.picture == alert.picture
    pictures.remove(other, by=cast.author)
    assert Picture.objects.count() == 1


def test_partners_are_told_when_a_search_is_over(cast):
    first, version = cast.approved(
        kind=Kind.MISSING, fields={"description": "Grey hair"}, carriers=[cast.partner.pk], title="Missing: Joan"
    )
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    gone_out(first)
    Delivery.objects.all().update(state="sent")
    found = actions.edit(
        actions.follow_up(Alert.objects.get(pk=first.pk), relation="stand-down", by=cast.author),
        by=cast.author, title="Found", body="She is safe.",
    )  # fmt: skip
    Delivery.objects.filter(mailing__authority_kind="notice").delete()
    frozen = actions.submit(found, by=cast.author)
    actions.approve(frozen, by=cast.approver, digest=frozen.digest, reason="Found safe.")
    gone_out(found)
    told = Delivery.objects.filter(mailing__authority_kind="notice", address=cast.outsider.email)
    assert any("Take down the name and the picture" in row.mailing.content["text"] for row in told)
    assert standing_down.tell_partners(cast.draft()) == []
