"""Texts through a real Kannel, as Debian has it: bearerbox, smsbox, and the networks played by its own fakesmsc."""

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from bell.delivery import inbound, outbox
from bell.delivery.models import Delivery, Inbound, Suppression
from bell.lib import keys
from tests.delivery.conftest import a_content, filled
from tests.delivery.servers import closed_port
from tests.waiting import until

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
BEARERBOX, SMSBOX = shutil.which("bearerbox", path="/usr/sbin"), shutil.which("smsbox", path="/usr/sbin")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not (BEARERBOX and SMSBOX and FAKESMSC.exists()), reason="Debian's kannel and kannel-extras are not here"
    ),
]
SECRET = "a secret & more"

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = admin
admin-interface = "127.0.0.1"
smsbox-port = {box}
smsbox-interface = "127.0.0.1"
box-allow-ip = "127.0.0.1"
box-deny-ip = "*.*.*.*"
log-file = "{folder}/bearerbox.log"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {network}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = "127.0.0.1"
log-file = "{folder}/smsbox.log"
http-request-retry = 3
http-queue-delay = 1
mo-recode = true

group = sendsms-user
username = bell
password = "pass word"
max-messages = 6
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
get-url = "{inbound}"
"""


@pytest.fixture
def kannel(tmp_path, settings, live_server):
    """A running Kannel that knows this site; `network(line)` starts a network with a text to send in."""
    ports = {name: closed_port() for name in ("admin", "box", "network", "sendsms")}
    settings.SITE_URL, settings.SMS_GATEWAYS, settings.KANNEL_USER = live_server.url, ["kannel"], "bell"
    settings.KANNEL_PASSWORD, settings.KANNEL_SECRET = "pass word", SECRET
    settings.KANNEL_URL = f"http://127.0.0.1:{ports['sendsms']}/cgi-bin/sendsms"
    inbound_url = (
        f"{live_server.url}/gateways/kannel/inbound/?key={quote(SECRET)}"
        "&from=%p&to=%P&text=%b&id=%I&coding=%c&charset=%C"
    )
    (tmp_path / "kannel.conf").write_text(CONFIGURATION.format(folder=tmp_path, inbound=inbound_url, **ports))
    with contextlib.ExitStack() as running:

        def start(*command, port=0):
            log = running.enter_context((tmp_path / "output.log").open("ab"))
            one = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
            running.callback(one.wait)
            running.callback(one.kill)
            if port:
                until(lambda: answers(port))
            return one

        start(BEARERBOX, "-v", "4", "kannel.conf", port=ports["box"])
        start(SMSBOX, "-v", "4", "kannel.conf", port=ports["sendsms"])

        def network(line):
            # One text a network: of several it sends one by chance, again and again.
            return start(str(FAKESMSC), "-H", "127.0.0.1", "-r", str(ports["network"]), "-i", "0.05", "-m", "1", line)

        yield network, tmp_path


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def settled(kind, count=1):
    def enough():
        inbound.settle()
        return Inbound.objects.filter(kind=kind).exclude(state="new").count() >= count

    return enough


def test_texts_out_reports_back_and_texts_in(kannel, settings):
    network, folder = kannel
    first = network("447700900102 60777 text STOP")
    until(settled("sms"))
    first.kill()
    first.wait()
    network("447700900103 60777 text Red Ford & a bike! Zo\u00eb")
    joined = "Fakesmsc client connected"
    until(lambda: (folder / "bearerbox.log").read_text(errors="replace").count(joined) == 2)
    words = {1: "Lock your bicycle – €5 [today]", 2: "Dzień dobry ✓"}
    mailings = [filled([(n, "sms", "+447700900101")], a_content(sms=text)) for n, text in words.items()]
    while outbox.run_once("w1"):
        pass
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"sent", "delivered", "queued"}

    def heard():
        return (folder / "output.log").read_bytes()

    # What the network got: GSM-7 where that is enough, UCS-2 where it is not.
    until(lambda: heard().count(b"Got message") == 3)  # and the answer to STOP
    assert f"<{settings.SMS_NUMBER} +447700900101 text Lock your bicycle - €5 [today]>".encode() in heard()
    assert (
        f"<{settings.SMS_NUMBER} +447700900101 ucs-2 {quote_plus(words[2].encode('utf-16-be'), safe=chr(39))}>".encode()
        in heard()
    )

    # Its reports come back, in any order, and belong to their rows.
    def arrived():
        inbound.settle()
        return set(Delivery.objects.filter(mailing__in=mailings).values_list("state", flat=True)) == {"delivered"}

    until(arrived)

    # What people wrote came in: STOP was heeded, the rest waits for an officer.
    until(settled("sms", 2))
    (waiting,) = inbound.waiting()
    text = inbound.read_text(waiting)
    assert (text.sender, text.to, text.text) == ("+447700900103", "60777", "Red Ford & a bike! Zoë")
    assert Suppression.objects.get().address_key == keys.address_key("sms", "+447700900102")
    assert not any(quote(SECRET).encode() in bytes(kept.raw) for kept in Inbound.objects.all())


def test_kannels_own_refusals(kannel, settings):
    settings.KANNEL_PASSWORD = "wrong"
    filled([(1, "sms", "+447700900101")])
    outbox.run_once("w1")
    row = Delivery.objects.get()
    assert row.state == "deferred" and row.reason.startswith("our side: 403")
