"""A real Chromium for the journeys: pages that must make no foreign request, no error and no axe violation.

Run: python -m pytest -m browser tests/browser. Pictures are written under var/shots/.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

# Playwright's synchronous API runs a loop of its own in this thread; Django would refuse the database beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

ROOT = Path(settings.NODE_MODULES).parent
SHOTS = ROOT / "var" / "shots"
CHROMIUM = os.environ.get("BELL_CHROMIUM", "/usr/bin/chromium")
WIDTHS = (375, 1440)


class Watch:
    """What a page did that it must not do. `allow` names words of a message that a test expects."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.found: list[str] = []
        self.allowed: list[str] = []

    def allow(self, words: str) -> None:
        """Expect a console message that contains these words, such as "404"."""
        self.allowed.append(words)

    def console(self, message: ConsoleMessage) -> None:
        """Console errors; Chromium also reports every CSP violation as one.

        A page that is left while it polls has its request ended by the browser, and htmx logs these two. Whatever
        fails otherwise has a line of its own as well: sendError, responseError, timeout.
        """
        left = message.text.startswith(("htmx:sendAbort,", "htmx:afterRequest,"))
        if message.type == "error" and not left:
            self.found.append(f"console: {message.text} at {message.location.get('url', '')}")

    def request(self, request: Request) -> None:
        """Requests that leave the site."""
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.found.append(f"third-party request: {request.url}")

    def check(self) -> None:
        """Fail when anything was found that was not allowed."""
        wrong = [line for line in self.found if not any(words in line for words in self.allowed)]
        assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--lang=en-GB"],
        )
        yield started
        started.close()


@pytest.fixture
def watch(live_server: Any) -> Iterator[Watch]:
    """The watch over this test's pages; checked when the test ends."""
    watching = Watch(live_server.url)
    yield watching
    watching.check()


@pytest.fixture
def browser_context(browser: Browser, watch: Watch, live_server: Any) -> Iterator[BrowserContext]:
    """A fresh visitor: no cookies, British English, London's clock; `page.goto("/path/")` is relative."""
    context = browser.new_context(
        base_url=live_server.url,
        locale="en-GB",
        timezone_id="Europe/London",
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    context.on("request", watch.request)
    context.on("console", watch.console)
    context.on("weberror", lambda error: watch.found.append(f"script error: {error.error}"))
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """A page of the fresh visitor."""
    return browser_context.new_page()


def axe(page: Page, *, without: tuple[str, ...] = ()) -> None:
    """Assert that axe-core finds no violation of WCAG 2.2 AA or its best practices; `without` names rules to skip."""
    source = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
    # What fades in has not its colours yet; what never stops moving is looked at as it is.
    with suppress(AssertionError):
        until(
            page,
            "!document.querySelector('.htmx-request')"
            " && document.getAnimations().every(one => one.playState !== 'running')",
            seconds=3,
        )
    page.evaluate(source)  # by the debugger, so that it works under the strict CSP
    rules = {rule: {"enabled": False} for rule in without}
    found = page.evaluate("(rules) => axe.run(document, {rules, resultTypes: ['violations']})", rules)["violations"]
    lines = [
        f"{one['id']} ({one['impact']}): {one['help']}\n    "
        + "\n    ".join(f"{node['html'][:160]} — {node['failureSummary']}" for node in one["nodes"][:4])
        for one in found
    ]
    assert not found, f"{page.url}: {len(found)} axe violations\n" + "\n".join(lines)


def signed_out(page: Page) -> None:
    """Whoever was signed in is not any more, and their page has gone.

    A page that keeps itself fresh sends itself to the sign-in page, which would stop the next `goto` from coming.
    """
    page.goto("about:blank")
    page.context.clear_cookies()


def came(page: Page) -> None:
    """Wait until the whole page has come: after a click Playwright goes on as soon as its first bytes are there."""
    page.wait_for_load_state("load")


def until(page: Page, expression: str, *, seconds: float = 10) -> None:
    """Wait until a JavaScript expression is true. (wait_for_function needs eval in the page, which the CSP refuses.)"""
    came(page)
    for _ in range(int(seconds / 0.05)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{page.url}: never true within {seconds} s: {expression}")


def reflows(page: Page, width: int = 320) -> None:
    """Assert that nothing scrolls sideways at 320 px (WCAG 1.4.10)."""
    came(page)
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    wide = page.evaluate("document.documentElement.scrollWidth")
    if before:
        page.set_viewport_size(before)
    assert wide <= width, f"{page.url} is {wide} px wide at {width} px"


def shoot(page: Page, name: str, *, whole: bool = True) -> list[Path]:
    """Pictures of this page at 375 and 1440 px under var/shots/NAME-WIDTH.png."""
    came(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    files = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900 if width > 600 else 812})
        file = SHOTS / f"{name}-{width}.png"
        page.screenshot(path=file, full_page=whole)
        files.append(file)
    if before:
        page.set_viewport_size(before)
    return files
