"""Sending footage in a real browser: a connection that is cut, a page that is closed, no JavaScript; the desk."""

import hashlib
import os
import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from bell.evidence import actions, preview, store
from bell.evidence.models import Exhibit, Upload
from bell.organisations.kinds import Kind
from bell.residents import cameras
from tests.browser.conftest import axe, reflows, shoot
from tests.browser.test_staff import sign_in
from tests.cast import Cast
from tests.evidence.conftest import exhibit
from tests.evidence.test_preview import picture, video
from tests.public.conftest import KNOWN, answer_link, send, the_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIELDS = {"from_time": "1:30am last night", "to_time": "3:30am last night", "look_for": "A white van"}
CIRCLE = {
    "type": "Feature",
    "properties": {"radius_m": 300},
    "geometry": {"type": "Point", "coordinates": [-1.375, 53.02]},
}


@pytest.fixture
def world(transactional_db, settings, tmp_path):
    """The cast, Meg, and an appeal for footage that is out."""
    cache.clear()
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.UPLOAD_KEEP_FREE_BYTES = 0
    settings.CLAMD = ""
    cast = Cast()
    cast.meg = cast.resident(email=KNOWN, mobile="07700 900123")
    cast.appeal = send(
        cast, kind=Kind.FOOTAGE, title="Did your camera see a white van?", fields=FIELDS,
        body="Three sheds were broken into off Ilkeston Road last night.",
        audience={"areas": [], "shapes": [CIRCLE], "groups": []},
    )  # fmt: skip
    return cast


@pytest.fixture
def clip(tmp_path):
    """A file of three pieces."""
    path = tmp_path / "doorbell clip (1).mp4"
    path.write_bytes(video() + os.urandom(20_000_000))
    return path


def look(page, name):
    """Pictures, 320 px, and axe at both widths."""
    page.wait_for_load_state("networkidle")
    shoot(page, f"upload-{name}")
    reflows(page)
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)


def held_exactly(path):
    """The sealed original is the file, byte for byte."""
    one = Exhibit.objects.select_related("alert", "upload").get()
    data = path.read_bytes()
    assert one.sha256 == hashlib.sha256(data).hexdigest()
    assert store.open_original(one.upload.key).read() == data
    return one


def test_a_cut_connection_goes_on_where_it_stopped(page, world, watch, clip):
    watch.allow("ERR_INTERNET_DISCONNECTED")
    patches: list[str] = []
    cut = {"left": 3}

    def line(route):
        if route.request.method == "PATCH":
            patches.append(route.request.headers["upload-offset"])
        # The first piece goes through; then the line is dead for three requests.
        if len(patches) >= 2 and cut["left"]:
            cut["left"] -= 1
            return route.abort("internetdisconnected")
        return route.continue_()

    page.goto(answer_link(world.appeal, world.meg))
    page.get_by_role("button", name="I have footage").click()
    look(page, "thanks")
    page.get_by_role("button", name="Send footage now").click()
    page.wait_for_url("**/footage/")
    look(page, "form")
    page.route("**/upload/file/**", line)
    page.get_by_label("When was it recorded?").fill("Last night, about 2:40")
    page.get_by_label("No, it was wrong").check()
    page.get_by_label("How far off was it?").fill("7 minutes fast")
    page.get_by_label("The files").set_input_files(clip)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("The connection broke. Trying again")).to_be_visible(timeout=40_000)
    look(page, "cut")
    page.wait_for_url("**/upload/sent/**", timeout=60_000)
    assert patches[0] == "0" and int(patches[-1]) > 8_000_000 and cut["left"] == 0
    one = held_exactly(clip)
    assert one.upload.clock_words == "7 minutes fast" and one.upload.resident == world.meg
    expect(page.get_by_text(one.sha256)).to_be_visible()
    look(page, "receipt")
    assert Upload.objects.count() == 1


def test_a_closed_page_goes_on_with_the_same_file(page, world, watch, clip):
    watch.allow("ERR_")
    page.goto(f"/a/{world.appeal.reference}/")
    look(page, "alert")
    page.get_by_role("button", name="Send footage").click()
    page.wait_for_url("**/footage/")
    seen: list[str] = []

    def hold(route):
        seen.append(route.request.method)
        return route.abort() if len([one for one in seen if one == "PATCH"]) > 1 else route.continue_()

    page.route("**/upload/file/**", hold)
    page.get_by_label("The files").set_input_files(clip)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("The connection broke. Trying again")).to_be_visible(timeout=40_000)
    came = Upload.objects.get().offset
    assert came > 0
    page.on("dialog", lambda dialog: dialog.accept())
    page.close(run_before_unload=False)

    again = page.context.new_page()
    created: list[str] = []
    again.on("request", lambda request: created.append(request.url) if "/upload/new/" in request.url else None)
    again.goto(f"/a/{world.appeal.reference}/footage/")
    again.get_by_label("The files").set_input_files(clip)
    again.get_by_role("button", name="Send", exact=True).click()
    again.wait_for_url("**/upload/sent/**", timeout=60_000)
    assert created == [] and Upload.objects.count() == 1, "it was begun anew"
    one = held_exactly(clip)
    expect(again.get_by_text(one.sha256)).to_be_visible()


def test_several_files_and_what_is_wrong_with_them(page, world, tmp_path):
    page.goto(f"/a/{world.appeal.reference}/footage/")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Choose at least one file")
    look(page, "form-error")
    empty, first, second = (tmp_path / name for name in ("empty.mp4", "one.jpg", "two.mp4"))
    empty.write_bytes(b"")
    first.write_bytes(picture("JPEG"))
    second.write_bytes(video())
    page.get_by_label("The files").set_input_files([first, empty])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("empty.mp4 is empty")
    page.get_by_label("The files").set_input_files([first, second])
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/upload/sent/**")
    expect(page.get_by_text("2 files arrived")).to_be_visible()
    assert Exhibit.objects.count() == 2


def test_without_javascript_and_without_an_account(browser, live_server, watch, world, tmp_path):
    small = tmp_path / "clip.mp4"
    small.write_bytes(video())
    context = browser.new_context(base_url=live_server.url, locale="en-GB", java_script_enabled=False)
    context.on("request", watch.request)
    page = context.new_page()
    page.goto(f"/a/{world.appeal.reference}/footage/")
    expect(page.get_by_text("they go in one piece")).to_be_visible()
    page.get_by_label("Where was the camera?").fill("12 Mill Lane")
    page.get_by_label("The files").set_input_files(small)
    page.get_by_role("button", name="Send", exact=True).click()
    one = held_exactly(small)
    expect(page.get_by_text(one.sha256)).to_be_visible()
    assert one.upload.said_where == "12 Mill Lane"
    page.goto(f"/a/{world.appeal.reference}/footage/")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    context.close()


def test_a_large_file_is_sealed_by_the_worker_and_the_receipt_waits(page, world, clip, monkeypatch):
    monkeypatch.setattr(actions, "SEAL_AT_ONCE_BYTES", 1000)
    page.goto(f"/a/{world.appeal.reference}/footage/")
    page.get_by_label("The files").set_input_files(clip)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/upload/sent/**", timeout=60_000)
    expect(page.get_by_text("We are taking its fingerprint")).to_be_visible()
    look(page, "receipt-waiting")
    assert actions.seal_due() == 1
    expect(page.get_by_text(Exhibit.objects.get().sha256)).to_be_visible()


def test_the_desk(page, world, watch):
    exhibit(
        world.appeal, video(size=(640, 360)), name="doorbell\u202e4pm.mp4", when="Friday 2:40am",
        where="12 Mill Lane, towards the school", clock="wrong", clock_words="7 minutes fast", who="Meg",
    )  # fmt: skip
    exhibit(world.appeal, b"DHAV" + os.urandom(5000), name="NVR_ch1_main_20261121024000_20261121031500.dav")
    preview.preview_due()
    sign_in(page, world.author, f"/desk/alerts/{world.appeal.reference}/")
    expect(page.get_by_alt_text(re.compile("Preview of"))).to_be_visible()
    look(page, "desk-alert")
    page.get_by_role("link", name=f"{world.appeal.reference}/1").click()
    page.wait_for_url("**/exhibits/1/")
    look(page, "desk-exhibit")
    page.get_by_label("Keep", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Kept in the ledger.")).to_be_visible()
    page.get_by_role("button", name="Download the original").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    look(page, "desk-exhibit-error")
    page.get_by_label("Why do you need it?").fill("For the interview")
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the original").click()
    assert got.value.suggested_filename == f"{world.appeal.reference}-1.mp4"
    page.goto(f"/desk/alerts/{world.appeal.reference}/exhibits/export/")
    look(page, "desk-export")
    page.goto(f"/desk/alerts/{world.appeal.reference}/close/")
    look(page, "desk-close")
    page.get_by_label("What came of it").fill("Two men were charged. Thank you to all who looked.")
    page.get_by_role("button", name="Submit the outcome and close").click()
    expect(page.get_by_text("The outcome waits for a colleague")).to_be_visible()
    watch.allow("404")
    page.goto(f"/a/{world.appeal.reference}/footage/")
    look(page, "closed")


def test_new_footage_appears_while_one_looks(page, world):
    sign_in(page, world.author, f"/desk/alerts/{world.appeal.reference}/")
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    made = exhibit(world.appeal, b"something")
    expect(page.get_by_role("link", name=made.reference)).to_be_visible(timeout=15_000)


def test_cameras(page, world):
    # Each counts none, once or twice by chance: of forty enough do.
    for number in range(40):
        person = world.resident()
        cameras.add_camera(person, person.places.get(), direction=90, days_kept=7 + number % 30, by=person)
    page.goto("/sign-in/")
    page.get_by_label("Your email address or mobile number").fill(KNOWN)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("by email")).fill(the_code(KNOWN))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/account/")
    page.get_by_role("link", name="Register your cameras").click()
    look(page, "cameras-none")
    page.get_by_role("button", name="Add a camera").click()
    page.get_by_role("button", name="Add this camera").click()
    look(page, "cameras-error")
    page.get_by_label("Which way does it look?").select_option("North-east")
    page.get_by_label("How long does it keep what it films?").fill("14")
    page.get_by_label(re.compile("What is it")).fill("Doorbell")
    page.get_by_role("button", name="Add this camera").click()
    expect(page.get_by_text("North-east, keeps 14 days")).to_be_visible()
    look(page, "cameras")
    draft = world.draft(kind=Kind.FOOTAGE, audience={"areas": [], "shapes": [CIRCLE], "groups": []})
    sign_in(page, world.author, f"/desk/alerts/{draft.reference}/edit/")
    said = re.compile(r"About \d+ places with registered cameras lie within 150 metres")
    expect(page.locator("#count")).to_contain_text(said)
    look(page, "compose-cameras")
