"""Practice of an officer or a whole team: what is drafted in one mode is refused in the other, by every verb (B9)."""

import ast
from pathlib import Path

import pytest

import bell
from bell.alerts import actions, approving, closing, dispatch, printing, together
from bell.alerts.models import Alert, Ask, State
from bell.alerts.rules import NotAllowed, Unfinished
from bell.conversations import actions as conversations
from bell.conversations.actions import Words
from bell.conversations.rules import NotAllowed as ConversationNotAllowed
from bell.delivery.models import Delivery, Mailing
from bell.lib import clock
from bell.organisations import approvals
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Role, Team
from bell.residents import paper
from bell.residents.paper_rules import NotAllowed as PaperNotAllowed
from bell.sharing import find as sharing

PRACTISES = "You are in practice mode, and this is a real alert"
REAL = "This is a practice alert, and you are not in practice mode"


def set_practice(*officers, on=True):
    for one in officers:
        one.practice = on
        one.save(update_fields=["practice"])


def go(alert):
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent")
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk)


def draft(cast):
    return cast.draft(), lambda alert: actions.edit(alert, by=cast.author, title="Other")


def to_submit(cast):
    return cast.draft(), lambda alert: actions.submit(alert, by=cast.author)


def to_approve(cast):
    alert = cast.draft()
    version = actions.submit(alert, by=cast.author)
    return alert, lambda _: actions.approve(version, by=cast.approver, digest=version.digest)


def to_return(cast):
    alert = cast.draft()
    version = actions.submit(alert, by=cast.author)
    return alert, lambda _: actions.turn_back(version, by=cast.approver, reason="No.")


def to_send(cast):
    alert, _ = cast.approved()
    return actions.undo(alert, by=cast.author), lambda alert: actions.send(alert, by=cast.author)


def to_follow(cast):
    cast.resident()
    return go(cast.approved()[0]), lambda alert: actions.follow_up(alert, relation="update", by=cast.author)


def to_close(cast):
    cast.resident()
    return go(cast.approved()[0]), lambda alert: closing.close(alert, by=cast.author, outcome="Two were charged.")


STEPS = [draft, to_submit, to_approve, to_return, to_send, to_follow, to_close]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("begun", ["real", "practice"])
@pytest.mark.parametrize("by", ["officer", "team"])
def test_each_step_is_refused_in_the_other_mode_and_goes_in_its_own(cast, step, begun, by):
    def switch(on):
        if by == "team":
            approvals.set_practice(cast.team, on=on, by=cast.administrator)
            cast.team.refresh_from_db()
        else:
            set_practice(cast.author, cast.approver, cast.second_approver, on=on)

    switch(begun == "practice")
    alert, act = step(cast)
    assert alert.practice is (begun == "practice")
    switch(begun != "practice")
    before, mailings = Alert.objects.get(pk=alert.pk), Mailing.objects.count()
    with pytest.raises(NotAllowed, match=REAL if begun == "practice" else PRACTISES):
        act(Alert.objects.get(pk=alert.pk))
    after = Alert.objects.get(pk=alert.pk)
    assert (after.state, after.practice, after.edit) == (before.state, before.practice, before.edit)
    assert Mailing.objects.count() == mailings and Alert.objects.count() == 1
    switch(begun == "practice")
    act(Alert.objects.get(pk=alert.pk))


@pytest.mark.parametrize("begun", [True, False])
def test_undo_stop_and_withdraw_are_never_refused(cast, begun):
    set_practice(cast.author, cast.approver, on=begun)
    alert, _ = cast.approved()
    set_practice(cast.author, cast.approver, on=not begun)
    assert actions.undo(alert, by=cast.author).state == State.APPROVED
    assert actions.take_back(alert, by=cast.author).state == State.DRAFT
    assert actions.withdraw(alert, by=cast.author).state == State.WITHDRAWN


def test_a_team_that_begins_to_practise_leaves_what_it_had_begun_real(cast):
    cast.resident()
    held, _ = cast.approved()
    waits = cast.draft()
    approvals.set_practice(cast.team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    assert cast.draft().practice and not Alert.objects.get(pk=waits.pk).practice
    assert go(held).state == State.DRAFT, "its approver practises now, so that approval counts no more"


def test_a_practice_alert_reaches_nothing_but_practice_mailings_notices_too(cast):
    cast.resident(mobile="07700 900123")
    approvals.set_practice(cast.team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    alert = cast.draft(by_sms=True)
    actions.turn_back(actions.submit(alert, by=cast.author), by=cast.approver, reason="Shorter.")
    held, _ = cast.approved(alert)
    assert go(held).state == State.SENT
    assert Mailing.objects.filter(authority_kind="notice").count() >= 3
    assert not Mailing.objects.filter(practice=False).exists()


def test_only_colleagues_who_practise_are_asked(cast):
    set_practice(cast.author, cast.approver)
    version = actions.submit(cast.draft(), by=cast.author)
    assert approving.approvers(version) == [cast.approver]
    set_practice(cast.approver, on=False)
    with pytest.raises(Unfinished, match="Nobody who is in practice mode too"):
        actions.submit(cast.draft(), by=cast.author)


def test_someone_for_the_whole_force_practises_only_with_the_team(cast):
    approvals.set_practice(cast.team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    version = actions.submit(cast.draft(), by=cast.author)
    assert actions.approve(version, by=cast.media, digest=version.digest).state == State.HELD
    approvals.set_practice(cast.team, on=False, by=cast.administrator)
    approvals.set_practice(cast.media_team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    real = actions.submit(cast.draft(), by=cast.author)
    with pytest.raises(NotAllowed, match=PRACTISES):
        actions.approve(real, by=cast.media, digest=real.digest)


# Other organisations, and whatever else goes out.


def test_a_practice_alert_is_carried_by_no_real_partner(cast):
    cast.resident(organisations=(cast.partner,))
    set_practice(cast.author, cast.approver)
    alert, version = cast.approved(carriers=[cast.partner.pk])
    assert cast.outsider.email not in set(Delivery.objects.values_list("address", flat=True)), "nor asked"
    carrier = version.carriers.get()
    with pytest.raises(NotAllowed, match=REAL):
        together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
    set_practice(cast.outsider)
    together.decide(carrier, by=cast.outsider, digest=version.digest, agree=True)
    go(alert)
    assert Mailing.objects.filter(reference=alert.reference).count() == 2
    assert not Mailing.objects.filter(practice=False).exists(), "a partner that practises too carries it in practice"


def test_who_practises_carries_and_passes_on_nothing_real(cast):
    cast.resident()
    alert, version = cast.approved(carriers=[cast.partner.pk])
    set_practice(cast.outsider)
    with pytest.raises(NotAllowed, match=PRACTISES):
        together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    sent = go(alert)
    with pytest.raises(NotAllowed, match=PRACTISES):
        together.pass_on(sent, by=cast.outsider)


def test_a_practice_draft_is_not_offered_and_a_request_not_taken_on_in_practice(cast):
    desk = Team.objects.get(slug="desk")
    set_practice(cast.outsider)
    with pytest.raises(NotAllowed, match="real alerts only"):
        together.ask(cast.draft(team=desk, by=cast.outsider), to=cast.force, by=cast.outsider)
    set_practice(cast.outsider, on=False)
    ask = together.ask(cast.draft(team=desk, by=cast.outsider), to=cast.force, by=cast.outsider)
    set_practice(cast.author)
    with pytest.raises(NotAllowed, match=PRACTISES):
        actions.take_on(ask, team=cast.team, by=cast.author)
    approvals.set_practice(cast.team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    set_practice(cast.author, on=False)
    with pytest.raises(NotAllowed, match=PRACTISES):
        actions.take_on(ask, team=cast.team, by=cast.author)
    assert Ask.objects.get().decision == Ask.Decision.WAITING


def test_nothing_of_practice_is_shared_fed_or_put_up(cast, client):
    cast.resident()
    set_practice(cast.author, cast.approver)
    alert = go(cast.approved()[0])
    assert "practice" in sharing.no_kit(alert)
    with pytest.raises(NotAllowed, match="practice"):
        printing.poster(alert)
    assert client.get(f"/a/{alert.reference}/").status_code == 404
    assert alert.reference.encode() not in client.get("/alerts/").content
    assert not Alert.objects.public().exists()


def test_the_outcome_of_a_practice_alert_is_practice_too(cast):
    cast.resident()
    set_practice(cast.author, cast.approver)
    alert = go(cast.approved(kind=Kind.INFORMATION)[0])
    closing.close(alert, by=cast.author, outcome="Found.")
    assert Alert.objects.get(follows=alert).practice


# What else an officer may say to people.


@pytest.fixture
def said(cast):
    """Words of a real resident to the team."""
    words = Words("I saw a van", "email", reply_channel="email", reply_address="ann@home.example")
    return lambda alert=None: conversations.hear(words, team=cast.team, alert=alert).conversation


def test_who_practises_answers_no_real_person(cast, said):
    talk = said()
    set_practice(cast.author)
    with pytest.raises(ConversationNotAllowed, match="this is a real person"):
        conversations.answer(talk, text="Thank you", by=cast.author)
    assert not Delivery.objects.filter(mailing__authority_kind="answer").exists()
    set_practice(cast.author, on=False)
    conversations.answer(talk, text="Thank you", by=cast.author)
    assert not Mailing.objects.get(authority_kind="answer").practice


def test_answers_about_a_practice_alert_stay_with_the_catchers(cast, said):
    cast.resident()
    set_practice(cast.author, cast.approver)
    talk = said(go(cast.approved()[0]))
    conversations.answer(talk, text="Thank you", by=cast.author)
    assert not Mailing.objects.filter(practice=False).exists()
    set_practice(cast.author, on=False)
    with pytest.raises(ConversationNotAllowed, match="a practice alert"):
        conversations.answer(talk, text="Thank you", by=cast.author)


def test_the_page_of_a_conversation_says_so(cast, said, client):
    talk = said()
    set_practice(cast.author)
    client.force_login(cast.author, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/desk/inbox/{talk.key}/").content.decode()
    assert "this is a real person" in page and "Send answer" not in page
    refused = client.post(f"/desk/inbox/{talk.key}/say/", {"do": "answer", "text": "Hello"})
    assert refused.status_code == 403 and "this is a real person" in refused.content.decode()


def test_who_practises_asks_nobody_of_paper_to_confirm(cast):
    set_practice(cast.author)
    with pytest.raises(PaperNotAllowed, match="practice mode"):
        paper.open_bundle(team=cast.team, received_on=clock.local(clock.now()).date(), size=1, by=cast.author)


# Who posts at all: a new place has to say how it keeps practice apart.
POSTS = {
    "alerts/dispatch.py": "the version's own mode",
    "conversations/actions.py": "the alert's own mode; who practises answers nobody else",
    "evidence/receipts.py": "to those who sent footage, which practice takes none of",
    "organisations/notices.py": "as whoever tells an officer says: of a practice alert, practice",
    "residents/codes.py": "to people who sign in or join, never by an officer",
    "residents/dead_email.py": "by the worker alone, after a real bounce",
    "residents/keywords.py": "to people who text us",
    "residents/paper_confirm.py": "who practises handles no paper",
    "residents/telling.py": "to members who proved an address of their own, never by an officer",
}


def test_every_place_that_posts_is_known():
    root = Path(bell.__file__).parent
    found = set()
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        if name.startswith(("delivery/", "proving/")):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("post", "open_mailing")
                and isinstance(node.value, ast.Name)
                and node.value.id == "post"
            ):
                found.add(name)
    assert found == set(POSTS)


def test_an_officer_of_two_teams_of_which_one_practises_works_in_both(cast):
    both = cast.officer("Bo Both", cast.team, Role.AUTHOR)
    both.grants.create(team=cast.other_team, role=Role.AUTHOR)
    approvals.set_practice(cast.team, on=True, by=cast.administrator)
    cast.team.refresh_from_db()
    both = Officer.objects.get(pk=both.pk)
    assert cast.draft(by=both).practice
    assert not cast.draft(by=both, team=cast.other_team).practice
