"""Answers are kept for some seconds, and never more than so many."""

import time

from bell.lib.kept import Kept


def test_an_answer_is_kept_until_it_is_too_old(monkeypatch):
    kept: Kept[str] = Kept(seconds=60, most=5)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert kept.find("a") is None
    kept.keep("a", "one")
    assert kept.find("a") == "one" and kept.find("b") is None
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert kept.find("a") is None
    kept.keep("a", "two")
    assert kept.find("a") == "two"
    kept.forget()
    assert kept.find("a") is None


def test_the_oldest_go_when_there_are_too_many():
    kept: Kept[int] = Kept(seconds=60, most=2)
    for number in (1, 2, 1, 3):
        kept.keep(number, number)
    assert [kept.find(number) for number in (1, 2, 3)] == [1, None, 3]
