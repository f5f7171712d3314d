"""Organisations together in a real browser: a partner passes on, carries and asks; groups are kept."""

import re

import pytest
from playwright.sync_api import expect

from bell.alerts import actions, dispatch, together
from bell.alerts.models import Alert, Carrier, PassedOn
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.residents import groups, hours
from bell.residents.groups import Terms
from bell.residents.models import GroupMember
from tests.browser.test_staff import cast, look, sign_in

__all__ = ["cast"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sent(cast):
    """A public alert of the force, and eight people who chose the council only."""
    for _ in range(8):
        cast.resident(organisations=(cast.partner,))
    alert, _ = cast.approved()
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    return alert


def test_a_partner_passes_an_alert_on_and_records_its_reach(page, cast, sent):
    sign_in(page, cast.outsider)
    page.get_by_role("link", name="Together").click()
    expect(page.get_by_role("heading", name="Together", level=1)).to_be_visible()
    look(page, "together-partner")
    page.get_by_role("link", name=re.compile("Shed burglaries in Heanor")).click()
    expect(page.get_by_text("About 10 more people would get it through you.")).to_be_visible()
    expect(page.locator("#map .leaflet-overlay-pane path").first).to_be_attached()
    look(page, "together-pass-on")
    page.get_by_role("button", name="Pass on to the people who chose us").click()
    expect(page.get_by_text("Passed on. It goes to those who chose you")).to_be_visible()
    while dispatch.run_due():
        pass
    carrier = Carrier.objects.get(organisation=cast.partner)
    assert Delivery.objects.filter(mailing=carrier.mailing).count() == 8
    page.get_by_role("button", name="Record what our own channels reached").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "together-pass-on-problem")
    page.get_by_label("How you passed it on").fill("The library’s screens")
    page.get_by_label("How many people that reached").fill("240")
    page.get_by_role("button", name="Record what our own channels reached").click()
    expect(page.get_by_text("Kept. Thank you for passing it on.")).to_be_visible()
    assert PassedOn.objects.get().reach == 240
    page.goto(f"/a/{sent.reference}/")
    expect(page.get_by_text("Also carried by Test Council.")).to_be_visible()


def test_carry_ask_and_take_on(page, cast):
    for _ in range(8):
        cast.resident(organisations=(cast.partner,))
    actions.submit(cast.draft(title="Who saw this van?", carriers=[cast.partner.pk]), by=cast.author)
    desk = cast.outsider.grants.first().team
    draft = cast.draft(by=cast.outsider, team=desk, title="Gritting tonight", kind=Kind.PREVENTION)
    sign_in(page, cast.outsider, "/desk/together/")
    page.get_by_role("link", name=re.compile("Who saw this van")).click()
    expect(page.locator("#map .leaflet-overlay-pane path").first).to_be_attached()
    look(page, "together-invitation")
    page.get_by_role("button", name="Agree to carry it").click()
    expect(page.get_by_text("Test Council carries it.")).to_be_visible()
    page.goto(f"/desk/alerts/{draft.reference}/")
    look(page, "together-own-draft")
    page.get_by_role("button", name="Ask the force to send it").click()
    look(page, "together-ask")
    page.get_by_label("Note to the force").fill("Before six, please.")
    page.get_by_role("button", name="Ask them").click()
    page.wait_for_url(re.compile(f"{draft.reference}/$"))
    sign_in(page, cast.author, "/desk/together/")
    look(page, "together-force")
    page.get_by_role("link", name=re.compile("Gritting tonight")).click()
    look(page, "together-request")
    page.get_by_role("button", name="Take it on").click()
    page.wait_for_url(re.compile("/edit/$"))
    page.get_by_role("checkbox", name="Dog walkers").check()
    expect(page.get_by_role("checkbox", name="Test Council")).to_be_visible()
    assert Alert.objects.get(on_behalf_of=cast.partner).title == "Gritting tonight"


def test_groups_organisations_and_hours(page, cast):
    starts = (clock.local(clock.now()).hour + 2) % 23  # not now, whenever this runs
    out = [[starts, starts + 1]]
    groups.change(cast.dog_walkers, Terms("Dog walkers", active_hours=out), by=cast.administrator)
    watch = groups.define(Terms("Farm watch", by_approval=True, active_hours=[[5, 8]]), by=cast.administrator)
    cast.resident(groups=(watch,))
    sign_in(page, cast.administrator, "/desk/groups/")
    look(page, "groups")
    page.get_by_role("button", name=re.compile("^Let in")).click()
    expect(page.get_by_text("They belong to Farm watch now.")).to_be_visible()
    assert GroupMember.objects.get(group=watch).state == "member"
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Name").fill("Allotments")
    page.get_by_label("When they are usually out").fill("late")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "group-problem")
    page.goto("/desk/organisations/")
    look(page, "organisations")
    page.get_by_role("link", name=re.compile("Test Council")).click()
    look(page, "organisation")
    page.goto("/desk/organisations/new/")
    look(page, "organisation-new")
    alert = cast.draft()
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/edit/")
    page.get_by_role("checkbox", name="Dog walkers").check()
    expect(page.locator("#outings")).to_contain_text(f"Dog walkers are usually out {hours.said(out)}.")
    look(page, "compose-hours")
    page.get_by_role("button", name=re.compile("Schedule for")).click()
    expect(page.get_by_label("Send at")).to_have_value(re.compile(f"T{starts:02}:00"))


def test_pages_read_without_scripts(browser, cast, sent, live_server):
    ask = cast.draft(by=cast.outsider, team=cast.outsider.grants.first().team)
    together.ask(ask, to=cast.force, by=cast.outsider)
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    try:
        sign_in(page, cast.outsider, "/desk/together/")
        page.get_by_role("link", name=re.compile("Shed burglaries")).first.click()
        page.get_by_role("button", name="Pass on to the people who chose us").click()
        expect(page.get_by_text("We carry it since")).to_be_visible()
    finally:
        context.close()
