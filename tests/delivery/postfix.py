"""A private Postfix on loopback in a folder of its own, started as root and stopped by its own pid."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = mail.alert.example
mydomain = alert.example
mydestination =
local_recipient_maps =
local_transport = error:nobody lives here
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtp_host_lookup = native
lmtp_host_lookup = native
disable_dns_lookups = yes
biff = no
queue_run_delay = 2s
minimal_backoff_time = 2s
# Replies and bounces: to us, by LMTP or, for the addresses of one map, by a command.
virtual_mailbox_domains = in.alert.example
virtual_mailbox_maps =
virtual_transport = lmtp:inet:[127.0.0.1]:{lmtp}
transport_maps = texthash:{folder}/transport
bellpipe_destination_recipient_limit = 1
# Everybody else's mail: to the next hop.
relayhost = [127.0.0.1]:{next_hop}
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
bellpipe unix - n n - - pipe
  user=nobody null_sender= argv={folder}/mail_in --sender=${{sender}} -- ${{recipient}}
"""


# What pipe(8) runs. It may not run as root, and nobody else can read this checkout or the tests' database: so it hands
# arguments and mail to the test, which runs the real command, and ends with that command's exit code.
RUNNER = """#!/usr/bin/python3
import json, socket, sys
line = socket.create_connection(("127.0.0.1", {port}))
line.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n" + sys.stdin.buffer.read())
line.shutdown(socket.SHUT_WR)
sys.exit(int(line.makefile().read()))
"""


class Runner:
    """Runs `bell mail_in` for each mail that pipe(8) hands over; `codes` are its exit codes."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.codes: list[int] = []
        self.commands: list[list[str]] = []

    def __enter__(self) -> "Runner":
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.script = RUNNER.format(port=self._listening.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            with line:
                head, _, mail = line.makefile("rb").read().partition(b"\n")
                code = mail_in(json.loads(head), mail, self.environment)
                self.commands.append(json.loads(head))
                self.codes.append(code)
                line.sendall(str(code).encode())


def mail_in(arguments: list[str], mail: bytes, environment: dict[str, str]) -> int:
    """The exit code of `bell mail_in` with these arguments and this mail."""
    command = [sys.executable, "-m", "bell.cli", "mail_in", *arguments]
    return subprocess.run(command, input=mail, env=environment, capture_output=True, timeout=60).returncode


def missing() -> str:
    """Why a Postfix cannot be started here, or ""."""
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    if not Path("/usr/bin/python3").exists():
        return "the script of its pipe needs /usr/bin/python3"
    if not shutil.which("postfix", path="/usr/sbin:/usr/bin") or not (DAEMONS / "master").exists():
        return "Postfix is not installed (apt-get install postfix)"
    return ""


class Postfix:
    """With it: `port` takes mail for the next hop, our LMTP door, or the command of the addresses in `piped`."""

    def __init__(self, *, lmtp: int, next_hop: int, piped: list[str], command: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bell-postfix-"))
        self.folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        names = {
            "folder": self.folder, "daemons": DAEMONS, "lmtp": lmtp, "next_hop": next_hop, "port": self.port,
        }  # fmt: skip
        (self.folder / "main.cf").write_text(MAIN.format(**names))
        (self.folder / "master.cf").write_text(MASTER.format(**names))
        (self.folder / "transport").write_text("".join(f"{address} bellpipe:\n" for address in piped))
        (self.folder / "mail_in").write_text(command)
        (self.folder / "mail_in").chmod(0o755)
        for name in ("spool", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)

    def __enter__(self) -> "Postfix":
        started = self._say("start")
        assert started.returncode == 0, started.stderr + self.log()
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError("Postfix does not listen: " + self.log())

    def __exit__(self, *_: object) -> None:
        master = int((self.folder / "spool/pid/master.pid").read_text())
        os.kill(master, signal.SIGTERM)
        until = time.monotonic() + 10
        while Path(f"/proc/{master}").exists() and time.monotonic() < until:
            time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Its log so far."""
        kept = self.folder / "maillog"
        return kept.read_text() if kept.exists() else ""

    def _say(self, word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self.folder), word], capture_output=True, text=True, timeout=30
        )
