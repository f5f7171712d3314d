"""What a rehearsal or benchmark needs before Django reads its settings: a database, folders, ports, keys of its own.

Nothing of the installation's environment is kept but its virus scanner, so that a rehearsal cannot touch its database,
relay or gateway.
"""

import argparse
import atexit
import ipaddress
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8")
_LOOPBACK = "127.0.0.1"
_PORTS = range(18_000, 32_000)
_OURS = ("DATABASE_URL", "CRASHPOINT", "DJANGO_SETTINGS_MODULE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bell rehearse`."""
    parser.add_argument("--database-url", default="", help="an empty database (default: a temporary SQLite file)")
    parser.add_argument("--areas", default="", help="GeoJSON of wards, each with name and district (default: our own)")
    parser.add_argument("--residents", type=int, default=5000, help="how many people are invented (default 5000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed invents the same people (default 1)")
    parser.add_argument("--shape", default="", help="GeoJSON of the place the alert goes to (default: one is drawn)")
    parser.add_argument("--group", action="append", default=[], metavar="NAME", help="only its members; repeatable")
    parser.add_argument("--smtp", default="", metavar="HOST:PORT", help="a relay on this machine (default: a catcher)")
    parser.add_argument("--gateway", default="", metavar="URL", help="a gateway on this machine (default: a simulator)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--sabotage", choices=INVARIANTS, help="break one invariant on purpose: must exit with 1")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="keep spools, logs and the database there")


class _Parser(argparse.ArgumentParser):
    """Ends with 1 on a mistake: 2 has a meaning of its own here."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: {message}\n")


def prepare(arguments: list[str]) -> None:
    """Set this process's environment for a rehearsal; its children inherit it. Exits with 1 on a foreign host."""
    parser = _Parser(
        prog="bell rehearse",
        description="Rehearse the main job on a throw-away database and check that no promise was broken.",
        epilog="Exit status: 0 all held; 1 one was broken, or nothing was checked; 2 one cannot be proved here.",
    )
    add_arguments(parser)
    options, _ = parser.parse_known_args(arguments)
    _set(options)


def prepare_bench(arguments: list[str]) -> None:
    """The same for a benchmark: a throw-away SQLite file unless --database-url names an empty database."""
    parser = _Parser(prog="bell bench", add_help=False, allow_abbrev=False)
    parser.add_argument("--database-url", default="")
    options, _ = parser.parse_known_args(arguments)
    _set(argparse.Namespace(database_url=options.database_url, smtp="", gateway="", keep=""))


def _set(options: argparse.Namespace) -> None:
    """Make the environment."""
    _check_loopback(options.smtp, options.gateway)
    secret = os.environ.get("BELL_SMS_GATEWAY_SECRET", "") if options.gateway else ""
    scanner = os.environ.get("BELL_CLAMD", "")
    for name in [name for name in os.environ if name.startswith("BELL_") or name in _OURS]:
        del os.environ[name]
    folder = _folder(options.keep)
    web, lmtp, smtp, phones, practice_smtp, practice_phones = _free_ports(6)
    site = f"http://{_LOOPBACK}:{web}"
    os.environ.update(
        {
            "DATABASE_URL": options.database_url or f"sqlite:///{folder / 'rehearsal.sqlite3'}",
            "BELL_VAR_DIR": str(folder),
            "BELL_DEMO": "1",
            "BELL_INVENTED_ONLY": "1",
            "BELL_SECRET_KEY": secrets.token_urlsafe(50),
            "BELL_SITE_NAME": "Rehearsal",
            "BELL_SITE_URL": site,
            "BELL_ALLOWED_HOSTS": f"{_LOOPBACK},localhost",
            "BELL_SMTP_URL": f"smtp://{options.smtp or f'{_LOOPBACK}:{smtp}'}",
            "BELL_SMS_GATEWAY_URL": options.gateway or f"http://{_LOOPBACK}:{phones}",
            "BELL_SMS_GATEWAY_SECRET": secret or secrets.token_urlsafe(32),
            "BELL_LMTP_LISTEN": f"{_LOOPBACK}:{lmtp}",
            # Practice has catchers of its own, so that a copy in the wrong place is seen.
            "BELL_CATCHER_SMTP": f"{_LOOPBACK}:{practice_smtp}",
            "BELL_CATCHER_HTTP": f"{_LOOPBACK}:{practice_phones}",
            # The hold with *Undo* is real, only shorter.
            "BELL_HOLD_SECONDS_URGENT": "1",
            "BELL_HOLD_SECONDS_ROUTINE": "2",
            "BELL_LOG_LEVEL": "WARNING",
            "BELL_CLAMD": scanner,
            "PYTHONUNBUFFERED": "1",
        }
    )


def _check_loopback(smtp: str, gateway: str) -> None:
    """Invented people are written to on this machine only (promises.md)."""
    for name, url in (("--smtp", f"smtp://{smtp}" if smtp else ""), ("--gateway", gateway)):
        if url and not _is_loopback(url):
            raise SystemExit(f"{name}: a rehearsal only speaks to this machine, so give 127.0.0.1 or localhost.")


def _is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, by its literal address or the name localhost."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _folder(keep: str) -> Path:
    """A folder that lasts as long as the rehearsal, or an empty one that is kept."""
    if keep:
        kept = Path(keep).resolve()
        kept.mkdir(parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise SystemExit(f"--keep: {keep} is not empty.")
        return kept
    made = Path(tempfile.mkdtemp(prefix="bell-rehearsal-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now, below those that systems hand out by themselves.

    The servers start seconds later, when the world is built: meanwhile no other process's connection gets one of them.
    """
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(_PORTS)
        with socket.socket() as held:
            try:
                held.bind((_LOOPBACK, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
