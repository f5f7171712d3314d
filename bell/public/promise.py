"""The privacy promise: each sentence beside the test that fails when it is broken. No sentence without a proof."""

from typing import NamedTuple


class Promise(NamedTuple):
    """A sentence for residents, and the pytest node that proves it."""

    heading: str
    sentence: str
    proof: str


PROMISES: tuple[Promise, ...] = ()
