"""Everything on one machine: `bell run [--port 8000]` starts web, worker, mail door and, in demo mode, the catchers."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.api.listening import host_and_port
from bell.cli.children import Child, ChildDied, Family, NotReady, answers, listens
from bell.cli.waiting import ending
from bell.lib.http import is_loopback
from bell.proving import county

_WORKERS, _THREADS = 2, 4
_SHOWN = 8


class Command(BaseCommand):
    """Runs until it is told to end, or until one of its children ends by itself."""

    help = "Run the whole service on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the web pages are."""
        parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, say where, watch, end."""
        host, port = options["host"], options["port"]
        if settings.DEMO and not is_loopback(host):
            raise CommandError(
                "Demo mode lets anyone act as anyone: it listens on this machine only. Leave out --host."
            )
        if listens(host, port):
            raise CommandError(f"Port {port} is in use. End what uses it, or choose another with --port.")
        environment, site = _environment(port)
        told = ending()
        family = Family(_children(host, port, site), environment)
        try:
            family.start()
            family.wait_until_ready(told)
            if not told.is_set():
                self._say(site)
            family.watch(told)
        except (ChildDied, NotReady) as error:
            raise CommandError(f"{error}; the rest was ended too") from error
        finally:
            family.end()

    def _say(self, site: str) -> None:
        """Where to look."""
        self.stdout.write(f"\n{settings.SITE_NAME} is at {site}/ (officers: {site}/desk/)")
        if settings.DEMO:
            self.stdout.write(f"The stage, with a resident's phone beside the desk: {site}/demo/\n\n")
            people = county.who()
            self.stdout.write("Who can sign in:" if people else "Nobody can sign in yet: `bell demo` draws the county.")
            for name, email, password in people[:_SHOWN]:
                self.stdout.write(f"  {email:<36} {password:<20} {name}")
            if len(people) > _SHOWN:
                self.stdout.write(f"  and {len(people) - _SHOWN} more, with the same password")
        self.stdout.write("\nCtrl-C ends it.")
        self.stdout.flush()


def _environment(port: int) -> tuple[dict[str, str], str]:
    """The children's environment and the site's address, which follows --port unless it was set."""
    site = settings.SITE_URL if os.environ.get("BELL_SITE_URL") else f"http://localhost:{port}"
    return {**os.environ, "BELL_SITE_URL": site, "PYTHONUNBUFFERED": "1"}, site


def _children(host: str, port: int, site: str) -> list[Child]:
    """Who is started, in this order."""
    named = urlsplit(site).netloc
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [
        "-m", "gunicorn", "bell.config.wsgi", "--bind", at, "--workers", str(_WORKERS), "--threads", str(_THREADS),
        "--graceful-timeout", "20", "--no-control-socket",
    ]  # fmt: skip
    lmtp, smtp, phones = (
        host_and_port(one) for one in (settings.LMTP_LISTEN, settings.CATCHER_SMTP, settings.CATCHER_HTTP)
    )
    children = [Child("catch", _command("catch"), lambda: listens(*smtp) and listens(*phones))] if settings.DEMO else []
    return [
        *children,
        Child("lmtp", _command("lmtp"), lambda: listens(*lmtp)),
        Child("web", web, lambda: answers(host, port, "/gateways/health/", named=named)),
        Child("worker", _command("worker")),
    ]


def _command(name: str) -> list[str]:
    return ["-m", "bell.cli", name]
