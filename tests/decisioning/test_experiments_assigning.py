"""Who is in which arm: for ever, for one as for a million, exclusive within a layer, balanced within strata."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from pyroaring import BitMap

from antiphon.decisioning.experiments.assigning import OUTSIDE, Assignment, deal, first_stratum, slots_of

SECRET = b"a secret of tests only, 32 bytes long"
PLAIN = Assignment(experiment_id=1, key="greeting", state="running", salt="s", arms=("a", "b"), weights=(1.0, 1.0))
IDS = st.lists(st.integers(1, 2**32 - 1), max_size=60, unique=True)
WEIGHTS = st.lists(st.floats(0.1, 10), min_size=2, max_size=5).map(tuple)
MILLION = np.arange(1, 1_000_001)


def whole(one: Assignment, ids: list[int], strata: list[int]) -> Assignment:
    """The experiment as it stands when these people were dealt."""
    arms = deal(SECRET, one, ids, np.array(strata, dtype=np.int64))
    return replace(one, dealt=tuple(BitMap(np.array(ids, dtype=np.uint32)[arms == n].tolist()) for n in range(len(one.weights))))


@given(ids=IDS, weights=WEIGHTS, percent=st.floats(0.1, 100), slots=st.none() | st.frozensets(st.integers(0, 999), max_size=600), dealt=st.booleans())
def test_one_by_one_as_all_at_once(ids: list[int], weights: tuple[float, ...], percent: float, slots: frozenset[int] | None, dealt: bool) -> None:
    one = replace(PLAIN, weights=weights, percent=percent, layer=None if slots is None else "sale", slots=slots or frozenset())
    if dealt:
        one = whole(one, ids[::2], [n % 3 for n in ids[::2]])
    assert one.assign(SECRET, ids).tolist() == [int(one.assign(SECRET, [n])[0]) for n in ids]
    assert set(one.assign(SECRET, ids).tolist()) <= set(range(OUTSIDE, len(weights)))
    assert ((one.assign(SECRET, ids) >= 0) == one.takes_part(SECRET, ids)).all()


@given(ids=IDS, strata=st.data(), weights=WEIGHTS)
def test_each_arm_has_its_part_of_each_stratum_to_within_one(ids: list[int], strata: st.DataObject, weights: tuple[float, ...]) -> None:
    of = np.array(strata.draw(st.lists(st.integers(0, 3), min_size=len(ids), max_size=len(ids))), dtype=np.int64)
    arms = deal(SECRET, replace(PLAIN, weights=weights), ids, of)
    for stratum in set(of.tolist()):
        inside = arms[of == stratum]
        for arm, weight in enumerate(weights):
            assert abs((inside == arm).sum() - len(inside) * weight / sum(weights)) < 1 + 1e-6


@given(ids=IDS, order=st.randoms())
def test_a_deal_does_not_depend_on_the_order_of_people(ids: list[int], order: st.DataObject) -> None:
    strata = {n: n % 4 for n in ids}
    mixed = list(ids)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = (deal(SECRET, PLAIN, some, np.array([strata[n] for n in some], dtype=np.int64)) for some in (ids, mixed))
    assert dict(zip(ids, first.tolist(), strict=True)) == dict(zip(mixed, second.tolist(), strict=True))


def test_who_was_dealt_stays_and_newcomers_are_drawn() -> None:
    one = whole(PLAIN, list(range(1, 5_001)), [n % 7 for n in range(1, 5_001)])
    assert [len(people) for people in one.dealt] in ([2500, 2500], [2499, 2501], [2501, 2499], [2498, 2502], [2502, 2498], [2497, 2503], [2503, 2497])
    later = one.assign(SECRET, np.arange(5_001, 10_001))
    assert (later == PLAIN.assign(SECRET, np.arange(5_001, 10_001))).all() and 2300 < (later == 0).sum() < 2700
    assert (one.assign(SECRET, np.arange(1, 5_001)) == 0).sum() == len(one.dealt[0])


@pytest.mark.parametrize("shares", [[(0, 300), (300, 600), (600, 1000)], [(0, 1), (1, 1000)]])
def test_experiments_of_a_layer_share_nobody(shares: list[tuple[int, int]]) -> None:
    many = [replace(PLAIN, key=f"e{n}", salt=f"{n}", layer="sale", layer_salt="x", slots=frozenset(range(*ends))) for n, ends in enumerate(shares)]
    inside = np.stack([one.assign(SECRET, MILLION) >= 0 for one in many])
    assert (inside.sum(axis=0) == 1).all()
    for one, ends in zip(inside, shares, strict=True):
        assert abs(one.mean() - (ends[1] - ends[0]) / 1000) < 0.002


@given(ids=IDS, mine=st.sets(st.integers(0, 999), max_size=500))
def test_nobody_moves_when_others_of_the_layer_come_and_go(ids: list[int], mine: set[int]) -> None:
    """Who is in depends on an experiment's own slots alone: whatever the others hold does not enter."""
    one = replace(PLAIN, layer="sale", layer_salt="x", slots=frozenset(mine))
    slots = slots_of(SECRET, "sale", "x", ids)
    assert (one.assign(SECRET, ids) >= 0).tolist() == [slot in mine for slot in slots.tolist()]


def test_arms_are_independent_of_layers_shares_and_other_experiments() -> None:
    other = replace(PLAIN, key="other", salt="t")
    part = replace(PLAIN, percent=30.0)
    first, second = PLAIN.assign(SECRET, MILLION), other.assign(SECRET, MILLION)
    assert abs(((first == 1) & (second == 1)).mean() - 0.25) < 0.002
    some = part.assign(SECRET, MILLION)
    assert abs((some >= 0).mean() - 0.3) < 0.002 and abs((some == 1).sum() / (some >= 0).sum() - 0.5) < 0.003
    assert (some[some >= 0] == first[some >= 0]).all(), "a larger share moves nobody"
    layered = replace(PLAIN, layer="sale", layer_salt="x", slots=frozenset(range(500)))
    inside = layered.assign(SECRET, MILLION)
    assert abs((inside == 1).sum() / (inside >= 0).sum() - 0.5) < 0.003


def test_a_winner_is_everybodys() -> None:
    assert replace(PLAIN, percent=1.0, winner=1).assign(SECRET, MILLION).tolist() == [1] * len(MILLION)


def test_strata_by_segments_take_the_first() -> None:
    assert first_stratum([1, 2, 3, 4], [BitMap([2, 3]), BitMap([3, 4])]).tolist() == [2, 0, 0, 1]


def test_a_million_are_assigned_in_a_moment() -> None:
    one = whole(PLAIN, list(range(1, 200_001)), [0] * 200_000)
    began = time.process_time()
    one.assign(SECRET, MILLION)
    assert time.process_time() - began < 3
