"""The `bell` command: Django's command runner with our settings."""

import os
import sys

from django.core.management import execute_from_command_line

from bell.cli import surroundings, sysexits


def main() -> None:
    """Run `bell COMMAND` with settings from the environment (docs/running.md); a rehearsal makes its own."""
    _open_standard_files()
    if sys.argv[1:2] == ["rehearse"]:
        surroundings.prepare(sys.argv[2:])
    elif sys.argv[1:2] == ["bench"]:
        surroundings.prepare_bench(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bell.config.settings")
    if sys.argv[1:2] == ["mail_in"]:
        sys.exit(_mail_in(sys.argv))
    execute_from_command_line(["bell", *sys.argv[1:]])


def _open_standard_files() -> None:
    """Where a supervisor closed standard input, output or error, put the null device in its place.

    SQLite closes a database file again that gets one of their numbers, and with it every lock this process holds.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(number)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115 (open as long as we live)
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 (the same)
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115 (the same)


def _mail_in(arguments: list[str]) -> int:
    """The exit code for a mail server: whatever goes wrong with us, settings and start included, is "later" (75).

    Any other code would send a person's reply back to them.
    """
    try:
        execute_from_command_line(["bell", *arguments[1:]])
    except SystemExit as ended:
        said = (sysexits.OK, sysexits.DATA, sysexits.NO_USER)
        return ended.code if isinstance(ended.code, int) and ended.code in said else sysexits.LATER
    except BaseException as error:
        # Words of an error may quote a person; its name does not. Mail servers copy this line into their log.
        sys.stderr.write(f"Not kept just now: {type(error).__name__}\n")
    return sysexits.LATER
