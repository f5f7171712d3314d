"""Pictures of the demo for the pages under docs/: `make pictures`. Walks the main job on a throw-away county.

It starts `bell run` with a folder and ports of its own, so that a demo which is running is left alone. With
--site it takes the pictures from a demo that runs already. Small files: 256 colours, at most 1,200 pixels wide.
"""

import argparse
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "img"
CHROMIUM = os.environ.get("BELL_CHROMIUM", "/usr/bin/chromium")
WIDEST = 1200
DESK, PHONE = {"width": 1200, "height": 800}, {"width": 420, "height": 780}
STAGE = {"width": 1440, "height": 900}
TITLE = "Did you see a white van on Ilkeston Road?"
BODY = (
    "Three sheds off **Ilkeston Road** were broken into between 1am and 3am last night.\n\n"
    "Did you see a white van, or does your camera look at the road? Tell us by simply replying."
)
AUTHOR, APPROVER, ADMINISTRATOR = "PC Alex Fernley", "Sergeant Pat Wingfield", "Viv Longcliffe"


def keep(page: Page, name: str, *, widest: int = WIDEST) -> None:
    """One picture of what is on screen, as a small PNG."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    whole = Image.open(io.BytesIO(page.screenshot()))
    if whole.width > widest:
        whole = whole.resize((widest, round(whole.height * widest / whole.width)), Image.Resampling.LANCZOS)
    small = whole.convert("RGB").quantize(colors=256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    FOLDER.mkdir(parents=True, exist_ok=True)
    small.save(FOLDER / f"{name}.png", optimize=True)
    print(f"{name}.png {(FOLDER / f'{name}.png').stat().st_size // 1024} kB", flush=True)


def sit(page: Page, officer: str) -> None:
    """Sit down at an officer's desk on the stage."""
    page.goto("/demo/")
    page.get_by_label("Sit down as").select_option(label=officer)
    page.get_by_role("button", name="Sit here").click()
    page.locator("iframe.stage__frame").wait_for()


def the_job(page: Page) -> None:
    """Write, approve, receive, reply: with a picture of each."""
    sit(page, AUTHOR)
    page.goto("/desk/new/")
    page.get_by_label("Appeal for information").check()
    page.get_by_role("button", name="Start writing").click()
    page.wait_for_url(re.compile("/edit/$"))
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Message", exact=True).fill(BODY)
    page.get_by_label("Text message", exact=True).check()
    page.get_by_label("Words of the text message").fill(f"{TITLE} Sheds broken into last night.")
    page.get_by_label("Circle round a postcode").fill("DE75 7AB")
    page.get_by_label("How far around").fill("900")
    page.get_by_role("button", name="Add this circle").click()
    page.locator("#drawn").get_by_text(re.compile("Circle of 900")).first.wait_for()
    page.locator("#count").get_by_text(re.compile(r"people: .* by email")).first.wait_for()
    page.evaluate("scrollTo(0, document.getElementById('h-words').getBoundingClientRect().top + scrollY - 90)")
    page.wait_for_timeout(300)
    keep(page, "officer-words")
    page.locator("#map").scroll_into_view_if_needed()
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(1500)  # the map comes to rest
    keep(page, "officer-map")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/desk/alerts/[A-Z0-9-]+/$"))
    there = page.url
    sit(page, APPROVER)
    page.goto(there + "approve/")
    keep(page, "officer-approve")
    page.get_by_role("button", name="Approve and send").click()
    page.wait_for_url(there)
    page.goto("/demo/")
    for _ in range(90):
        page.goto("/demo/")
        if (
            page.locator("#mailbox").get_by_text(TITLE).count()
            and page.locator("#phone").get_by_text("Ilkeston").count()
        ):
            break
        page.wait_for_timeout(1000)
    page.get_by_label(re.compile("^Type a text as")).fill("white van 2.40 going up Ilkeston Rd, no lights on")
    page.locator(".stage__say button").click()
    page.wait_for_timeout(4000)
    page.goto(there)
    page.wait_for_timeout(1500)
    keep(page, "officer-sent")


def the_stage(page: Page) -> None:
    """The stage with the reply open on the desk."""
    page.set_viewport_size(STAGE)
    sit(page, AUTHOR)
    page.wait_for_timeout(500)
    desk = page.frame_locator("iframe.stage__frame")
    desk.get_by_role("link", name=re.compile(re.escape(TITLE))).first.click()
    desk.get_by_text("white van 2.40").first.wait_for()
    keep(page, "stage", widest=STAGE["width"])


def public(browser: Browser, site: str) -> None:
    """What a resident sees, on a phone."""
    with visitor(browser, site, PHONE) as page:
        page.goto("/")
        keep(page, "resident-home")
        page.goto("/join/")
        keep(page, "resident-join")


@contextmanager
def visitor(browser: Browser, site: str, size: dict[str, int]) -> Iterator[Page]:
    """A fresh visitor with a window of that size."""
    context: BrowserContext = browser.new_context(
        base_url=site, viewport=size, locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def take(site: str, only: str) -> None:
    """All pictures, or those of one part."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--lang=en-GB"],
        )
        parts = {"job": (the_job, DESK), "stage": (the_stage, STAGE), "health": (the_health, DESK)}
        for name, (part, size) in parts.items():
            if only in ("", name):
                with visitor(browser, site, size) as page:
                    part(page)
        if only in ("", "public"):
            public(browser, site)
        browser.close()


def the_health(page: Page) -> None:
    """The administrator's page."""
    sit(page, ADMINISTRATOR)
    page.goto("/desk/health/")
    keep(page, "administrator-health")


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@contextmanager
def county() -> Iterator[str]:
    """A demo of our own, running; its address."""
    folder = tempfile.mkdtemp(prefix="bell-pictures-")
    web, lmtp, smtp, phones = free_ports(4)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BELL_", "DATABASE_"))} | {
        "BELL_DEMO": "1",
        "BELL_VAR_DIR": folder,
        "BELL_LMTP_LISTEN": f"127.0.0.1:{lmtp}",
        "BELL_CATCHER_SMTP": f"127.0.0.1:{smtp}",
        "BELL_CATCHER_HTTP": f"127.0.0.1:{phones}",
        "BELL_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        "BELL_SMS_GATEWAY_URL": f"http://127.0.0.1:{phones}",
    }
    bell = [sys.executable, "-m", "bell.cli"]
    for words in (["migrate", "--verbosity", "0"], ["createcachetable"], ["collectstatic", "--noinput"], ["demo"]):
        subprocess.run([*bell, *words], env=environment, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    running = subprocess.Popen([*bell, "run", "--port", str(web)], env=environment, cwd=ROOT)
    try:
        site = f"http://localhost:{web}"
        wait_for(f"{site}/gateways/health/")
        yield site
    finally:
        running.terminate()
        running.wait(40)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(url: str) -> None:
    """Until the site answers, a minute at most."""
    for _ in range(120):
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("the demo did not start")


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="", help="a demo that runs already, with nothing in it that matters")
    parser.add_argument("--only", default="", choices=["", "job", "stage", "public", "health"])
    options = parser.parse_args()
    if options.site:
        return take(options.site, options.only)
    with county() as site:
        take(site, options.only)


if __name__ == "__main__":
    main()
