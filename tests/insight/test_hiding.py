"""Small numbers: hidden, and not to be had from the others, whatever the tree."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bell.insight.hiding import LEAST, hide, shown
from bell.insight.members import merged


def tree_of(shape, parents, counts, leaves, parent=None):
    """Number a nested list of leaf counts; returns the node's id and count."""
    pk = len(parents) + 1
    parents[pk] = parent
    if isinstance(shape, int):
        leaves[pk] = shape
        counts[pk] = shape
    else:
        counts[pk] = sum(tree_of(part, parents, counts, leaves, pk)[1] for part in shape)
    return pk, counts[pk]


def built(shape):
    parents: dict[int, int | None] = {}
    counts: dict[int, int] = {}
    leaves: dict[int, int] = {}
    tree_of(shape, parents, counts, leaves)
    return parents, counts, leaves


def below(parents, pk, leaves):
    """The leaves of a node, as a row of ones."""

    def holds(leaf):
        while leaf is not None:
            if leaf == pk:
                return True
            leaf = parents[leaf]
        return False

    return np.array([holds(leaf) for leaf in leaves], dtype=int)


LEAF = st.integers(0, 40) | st.integers(0, 6)
TREES = st.recursive(st.lists(LEAF, min_size=1, max_size=5), lambda part: st.lists(part | LEAF, min_size=1, max_size=4),
                     max_leaves=14)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_no_hidden_number_follows_from_the_shown_ones(shape):
    parents, counts, leaves = built(shape)
    hidden = hide(parents, counts)
    assert all(pk in hidden for pk, count in counts.items() if count < LEAST)
    known = [below(parents, pk, leaves) for pk in parents if pk not in hidden]
    matrix = np.array(known) if known else np.zeros((0, len(leaves)), dtype=int)
    rank = np.linalg.matrix_rank(matrix) if known else 0
    for pk in hidden:
        more = np.vstack([matrix, below(parents, pk, leaves)])
        assert np.linalg.matrix_rank(more) > rank, f"{pk} ({counts[pk]}) is a sum or difference of shown numbers"


SMALL = st.recursive(st.lists(st.integers(0, 9), min_size=1, max_size=3),
                     lambda part: st.lists(part | st.integers(0, 9), min_size=1, max_size=2), max_leaves=5)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(SMALL)
def test_each_hidden_number_could_be_one_of_several(shape):
    """By trying every way to fill the leaves: what is shown leaves each hidden number at least 5 wide open."""
    parents, counts, leaves = built(shape)
    if len(leaves) > 5:
        return
    hidden = hide(parents, counts)
    most = 14
    fills = np.array(list(product(range(most), repeat=len(leaves))), dtype=np.int16) if len(leaves) <= 4 else None
    if fills is None:
        return
    for pk in parents:
        if pk not in hidden:
            fills = fills[fills @ below(parents, pk, leaves) == counts[pk]]
    for pk in hidden:
        possible = fills @ below(parents, pk, leaves)
        assert possible.max() - possible.min() >= LEAST, f"{pk} ({counts[pk]}) is told too closely"


def named(shape):
    parents, counts, _ = built(shape)
    return {counts[pk] for pk in hide(parents, counts)}


@pytest.mark.parametrize("shape, hidden", [
    ([10, 20, 30], set()),
    ([3, 20, 30], {3, 20}),                   # one alone would be the difference
    ([1, 2, 20, 30], {1, 2, 20}),             # two that sum to 3 tell too much
    ([3, 4, 20, 30], {3, 4}),                 # two that sum to 7 do not
    ([3], {3}),
    ([3, 1], {3, 1, 4}),
    ([[3, 50], [60, 70]], {3, 50}),
    ([[1, 2], [60, 70]], {1, 2, 3, 60, 130}),  # no part left to hide: the whole, then a neighbour and its smallest part
])  # fmt: skip
def test_the_rule_by_example(shape, hidden):
    assert named(shape) == hidden


def test_what_is_forced_hides_its_neighbours_too():
    parents, counts, _ = built([50, 60, 70])
    assert hide(parents, counts, forced=[3]) == {2, 3}


def test_a_circle_in_the_tree_ends():
    assert hide({1: 2, 2: 1, 3: 1}, {1: 9, 2: 9, 3: 2}) >= {3}


@pytest.mark.parametrize("count, words", [(0, None), (4, None), (5, 5), (7, 5), (8, 10), (101, 100), (None, None)])
def test_numbers_are_rounded_or_hidden(count, words):
    assert shown(count) == words


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 60), max_size=8))
def test_small_sources_stand_together(counted):
    found = merged(counted)
    assert all(count is None or count >= LEAST for _, count in found)
    alone = [name for name, count in counted.items() if 0 < count < LEAST]
    assert not {name for name, _ in found} & set(alone) - {"Other ways"}
    kept = sum(counted[name] for name, _ in found if name in counted)
    rest = sum(counted.values()) - kept
    if alone and len([1 for count in counted.values() if count >= LEAST]):
        assert rest >= LEAST, "what is left when the others are taken away is no small number"
