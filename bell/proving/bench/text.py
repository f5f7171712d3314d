"""`bell bench text`: texts through the whole post room, to a gateway that takes 20 ms and permits so many a second.

Ours leases, renders, sends and records one by one. The comparator is a bare loop of the same HTTP client with the same
bytes at the same pace and as many connections, that records nothing. A gateway that has to refuse breaks the run.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings

from bell.delivery import outbox, post, sms
from bell.delivery.models import Batch, Channel, Delivery, Lane, Limit, Mailing, Spend, State
from bell.lib import clock, http, keys
from bell.proving.bench.measure import Row, side_by_side
from bell.proving.bench.serving import Broken

MILLISECONDS = 20
CONNECTIONS = 50
_WORDS = "Derbyshire Alert: bicycles were taken in Belper last night. Lock yours. Did you see something? " + "x" * 20


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` texts at 1,000 a second and without a limit, a tenth of them at 100 a second."""
    settings.SMS_CONNECTIONS, settings.SMS_NUMBER_CAP = CONNECTIONS, 0
    return [_case(max(1, count // 10), 100), _case(count, 1000), _case(count, 0)]


def _case(texts: int, per_second: int) -> Row:
    """One permitted rate."""
    with _gateway(per_second) as url:
        settings.SMS_GATEWAY_URL, settings.SMS_PER_SECOND = url, float(per_second)
        settings.SMS_GATEWAY_SECRET = settings.SMS_GATEWAY_SECRET or "benchmark"
        asked = [sms.Simulator(url).request(_text(number)) for number in range(texts)]

        def ours() -> None:
            while outbox.run_once("bench"):
                pass
            if sent := Delivery.objects.exclude(state=State.SENT).count():
                raise Broken(f"{sent} texts were not sent")

        permitted = f"{per_second:,} a second permitted" if per_second else "no limit"
        row = side_by_side(
            f"{permitted}, {MILLISECONDS} ms an answer",
            texts,
            ours,
            lambda: asyncio.run(_bare(asked, per_second)),
            comparator="a bare loop of the same client",
            before=lambda: _fill(texts),
        )
        counts = json.loads(http.get(url, deadline=5).body)
        if counts["refused"]:
            raise Broken(f"the gateway had to refuse {counts['refused']} of {counts['taken']}")
        return row


@contextlib.contextmanager
def _gateway(per_second: int) -> Iterator[str]:
    """The gateway's address while it runs."""
    command = [sys.executable, "-m", "bell.proving.bench.gateway", str(MILLISECONDS), str(per_second)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        finally:
            child.kill()
            outbox.close()


def _fill(texts: int) -> None:
    """An outbox with so many texts, and nothing else."""
    for table in (Delivery, Batch, Mailing, Limit, Spend):
        table.objects.all().delete()
    content = post.Content(sender_name="", subject="", text="", sms=_WORDS)
    authority = post.Authority("approval", "bench")
    mailing = post.open_mailing(content, authority=authority, stream="1.bench", lane=Lane.ROUTINE)
    now = clock.now()
    for start in range(0, texts, settings.BATCH_SIZE):
        numbers = range(start, min(start + settings.BATCH_SIZE, texts))
        batch = Batch.objects.create(
            mailing=mailing, channel=Channel.SMS, lane=mailing.lane, due_at=now, size=len(numbers)
        )
        Delivery.objects.bulk_create(
            Delivery(
                mailing=mailing, recipient_key=number + 1, channel=Channel.SMS, address=_number(number), batch=batch,
                address_key=keys.address_key(Channel.SMS, _number(number)), due_at=now, state_at=now,
            )
            for number in numbers
        )  # fmt: skip
    post.close(mailing)


def _number(number: int) -> str:
    """An invented phone."""
    return f"+999{number:08}"


def _text(number: int) -> sms.Text:
    return sms.Text("a" * 24, settings.SMS_NUMBER, _number(number), _WORDS)


async def _bare(asked: list[http.Request], per_second: int) -> None:
    """As many connections, each taking the next request when its moment has come."""
    client, loop = http.Client(), asyncio.get_running_loop()
    begun = loop.time()
    left = iter(enumerate(asked))

    async def work() -> None:
        for place, request in left:
            if per_second:
                await asyncio.sleep(max(0.0, begun + place / per_second - loop.time()))
            reply = await client.ask(request, deadline=10)
            if reply.status != 202:
                raise Broken(f"the gateway answered {reply.status}")

    await asyncio.gather(*[work() for _ in range(CONNECTIONS)])
    client.close()
