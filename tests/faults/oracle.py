"""What must hold after every fault, read from the spools of relay and gateway and in plain SQL, past all of our code.

Each check returns how many things it checked: zero is no pass.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.faults.stage import Stage

TERMINAL = {"sent", "delivered", "bounced", "failed", "suppressed", "cancelled", "expired", "uncertain"}
GRACE_SECONDS = 5.0
DEADLINE_SECONDS = 3.0  # within which what was begun is accepted (stage.SETTINGS)
_RANK = {"sent": 1, "failed": 2, "delivered": 4}


Names = Sequence[str]


class Verdict(dict[str, int]):
    """{invariant: how many things were checked}."""


def judge(stage: Stage, mailings: Sequence[str], *, practice: Names = (), tampered: Names = ()) -> Verdict:
    """All of them; AssertionError names what does not hold."""
    book = _Book(stage)
    found = Verdict(
        I1=_everyone_ends_once(book, mailings),
        I2=_bounded_copies(book, mailings),
        I3=_no_means_no(book),
        I4=_practice_reaches_the_catcher_only(book, practice),
        I5=_what_was_approved(book, mailings, tampered),
        I6=_lattice(book),
        I9=_fences(book),
        I10=int(stage.seconds_to_converge < 60),
    )
    assert found["I1"] and found["I2"] and found["I5"] and found["I9"] and found["I10"], found
    return found


class _Book:
    """The tables and the spools, read once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        ask = stage.database.ask
        rows = ask(
            "SELECT m.reference, d.recipient_key, d.channel, d.address, d.state, d.reason, d.retried, d.batch_id, d.id,"
            " d.attempts FROM delivery_delivery d JOIN delivery_mailing m ON m.id = d.mailing_id"
            " WHERE m.stream <> 'source'"
        )
        self.rows: dict[str, list[tuple]] = defaultdict(list)
        for name, *row in rows:
            self.rows[name or "digest"].append(tuple(row))
        self.audience = set(
            ask(
                "SELECT d.recipient_key, d.channel FROM delivery_delivery d JOIN delivery_mailing m"
                " ON m.id = d.mailing_id WHERE m.stream = 'source'"
            )
        )
        self.copies: Counter[tuple[str, str]] = Counter()
        for mail in stage.relay.spool:
            self.copies[_name(mail.data), mail.recipient] += 1
        self.reported: dict[tuple[str, str], list[str]] = {}
        for text in stage.gateway.spool:
            one = (text["text"].split(":")[0].removeprefix("About "), text["to"])
            self.copies[one] += 1
            if text["reference"] in stage.told:
                self.reported[one] = stage.told[text["reference"]]


def judge_digests(stage: Stage, mailings: Names) -> Verdict:
    """Messages that wait for digests: everybody ends once of each, and nobody gets one of them twice unseen."""
    book = _Book(stage)
    people = {key for key, channel in book.audience if channel == "email"}
    inside: Counter[tuple[str, str]] = Counter()
    for mail in stage.relay.spool:
        for name in re.findall(rb"^In it: (\w+) ", mail.data, re.M):
            inside[name.decode(), mail.recipient] += 1
    retried = {row[2] for row in book.rows["digest"] if row[5]}
    checked = 0
    for name in mailings:
        rows = book.rows[name]
        assert {row[0] for row in rows} == people and len(rows) == len(people), name
        for _, _, to, state, reason, *_ in rows:
            assert state in TERMINAL, (name, to, state)
            copies = inside[name, to]
            if state in ("sent", "delivered"):
                assert copies, f"{name}: {to} is {state}, and nothing arrived"
            elif state != "uncertain" and reason != "same address":
                assert not copies, f"{name}: {to} is {state} ({reason}), and {copies} arrived"
            assert copies <= (2 if to in retried else 1), f"{name}: {copies} copies to {to}"
            checked += 1
    assert checked and inside
    return Verdict(I1=checked, I2=len(inside), I3=_no_means_no(book), I10=int(stage.seconds_to_converge < 60))


def _name(data: bytes) -> str:
    found = re.search(rb"^Subject: About (\S+)\r$", data, re.M)
    assert found, data[:500]
    return found[1].decode()


def _everyone_ends_once(book: _Book, mailings: Names) -> int:
    """I1: one row for each of the audience, in one end state, that agrees with what arrived."""
    checked = 0
    for name in mailings:
        rows = book.rows[name]
        assert Counter((key, channel) for key, channel, *_ in rows) == Counter(book.audience), name
        for row in rows:
            _, _, to, state, reason, _, batch, *_ = row
            assert state in TERMINAL and not (state == "uncertain" and batch), (name, to, state, reason)
            copies = book.copies[name, to]
            if (name, to) in book.reported:
                assert copies, f"{name}: {to} was reported on, and nothing arrived"
            elif state in ("sent", "delivered"):
                assert copies, f"{name}: {to} is {state}, and nothing arrived"
            elif state in ("failed", "cancelled", "expired") or (state == "suppressed" and reason != "same address"):
                assert not copies, f"{name}: {to} is {state} ({reason}), and {copies} arrived: {row}"
            checked += 1
    return checked


def _bounded_copies(book: _Book, mailings: Names) -> int:
    """I2: one copy each, a second only of an email that was uncertain, and then the row says so."""
    rows = {(name, row[2]): row for name in mailings for row in book.rows[name] if row[4] != "same address"}
    for (name, to), copies in book.copies.items():
        row = rows.get((name, to))
        assert row is not None, f"{name}: {to} got mail and has no row"
        assert copies <= (2 if row[1] == "email" else 1), f"{name}: {copies} copies to {to}: {row}"
        assert copies == 1 or row[5], f"{name}: a second copy to {to} is hidden: {row}"
    return len(book.copies)


def _no_means_no(book: _Book) -> int:
    """I3: no attempt begins more than 5 s after an opt-out or a stop was confirmed."""
    stage = book.stage
    said = {row[2]: stage.noes[row[0]] for rows in book.rows.values() for row in rows if row[0] in stage.noes}
    for at, _, to in stage.attempts:
        if to in said:
            assert at <= said[to] + GRACE_SECONDS, f"{to} was tried {at - said[to]:.1f} s after the opt-out"
    if stage.stops:
        for name, at in stage.stops.items():
            last = at + GRACE_SECONDS + DEADLINE_SECONDS
            late = [mail for mail in stage.relay.spool if _name(mail.data) == name and mail.at > last]
            assert not late, f"{len(late)} mails of {name} were accepted after it was stopped"
    return len(said) + len(stage.stops)


def _practice_reaches_the_catcher_only(book: _Book, practice: Names) -> int:
    """I4: not one practice message at the relay or the gateway, nothing else at the catcher."""
    assert not [key for key in book.copies if key[0] in practice]
    caught = [_name(mail.data) for mail in book.stage.catcher.spool]
    caught += [text["text"].split(":")[0].removeprefix("About ") for text in book.stage.phones.spool]
    assert set(caught) <= set(practice), caught
    if practice:
        assert caught, "practice did not reach the catcher"
    return len(caught)


def _what_was_approved(book: _Book, mailings: Names, tampered: Names) -> int:
    """I5: what arrived is the approved text; a text that was changed afterwards reached nobody."""
    assert not [key for key in book.copies if key[0] in tampered or key[0] == "forged"]
    for name in tampered:
        states = {row[3] for row in book.rows[name]}
        # Uncertain: a worker died over it, and whoever came next cannot know that nothing had begun.
        assert states <= {"failed", "suppressed", "uncertain"}, states
    shapes: dict[str, set[bytes]] = defaultdict(set)
    for mail in book.stage.relay.spool:
        assert b"Lock your bicycle." in mail.data
        shapes[_name(mail.data)].add(_without_tokens(mail.data, mail.recipient))
    for name, found in shapes.items():
        assert len(found) == 1, f"{name} arrived in {len(found)} different shapes: {sorted(found)[:2]}"
    return len(book.stage.relay.spool)


def _without_tokens(data: bytes, recipient: str) -> bytes:
    """A mail without what is each person's own (address, tokens) or each process's (the boundary of its parts)."""
    words = re.sub(rb"={10,}[0-9]+==", b"(boundary)", data).replace(b"=\r\n", b"")
    words = words.replace(recipient.encode(), b"(address)")
    words = re.sub(rb"(?<=[/<-])[a-z2-7]{16,}(?=[/>@])", b"(token)", words)
    words = re.sub(rb"<[a-z]?[a-z2-7]{16,}@", b"<(token)@", words)
    return re.sub(rb"^(Message-ID|Date): .*?\r\n", b"", words, flags=re.M)


def _lattice(book: _Book) -> int:
    """I6: a text ends where its highest report says, whatever came first and how often."""
    for name, rows in book.rows.items():
        for row in rows:
            states = book.reported.get((name, row[2]))
            top = max(states, key=lambda state: _RANK[state]) if states else row[3]
            assert row[3] == top, f"{states} were reported of {row[2]}, and it is {row[3]}"
    return len(book.reported)


def _fences(book: _Book) -> int:
    """I9: who may write is decided by a number that grows, never by a clock: each lease raised it."""
    batches = book.stage.database.ask("SELECT id, fence, attempts, state, owner FROM delivery_batch")
    for number, fence, attempts, state, owner in batches:
        assert fence >= attempts and state == "done" and owner == "", (number, fence, attempts, state, owner)
    return len(batches)
