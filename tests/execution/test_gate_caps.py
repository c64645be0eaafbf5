"""Counting in sliding windows: against the definition itself, one by one and all at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from antiphon.execution.delivery.gate.caps import room_left, rooms_left

TIMES = st.lists(st.integers(0, 60), max_size=12)


def holds(times: list[int], span: int, most: int) -> bool:
    """The definition: no stretch (t - span, t] holds more than `most`."""
    return all(sum(t - span < one <= t for one in times) <= most for t in range(130))


def naive_room(times: list[int], at: int, span: int, most: int) -> int:
    """By trying: how many can be added at `at` so that what the addition touches still holds."""
    count = 0
    while True:
        more = [*times, *[at] * (count + 1)]
        if any(sum(t - span < one <= t for one in more) > most for t in range(at, at + span)):
            return count
        count += 1


@given(times=TIMES, at=st.integers(0, 60), span=st.integers(1, 40), most=st.integers(1, 6))
def test_room_is_what_can_be_added(times: list[int], at: int, span: int, most: int) -> None:
    assert max(0, room_left(sorted(times), at, span, most)) == naive_room(times, at, span, most)


@given(st.lists(st.tuples(TIMES, st.integers(0, 60)), max_size=8), st.integers(1, 40), st.integers(1, 6))
def test_all_at_once_is_as_one_by_one(people: list[tuple[list[int], int]], span: int, most: int) -> None:
    flat = sorted((place, t) for place, (times, _) in enumerate(people) for t in times)
    owners = np.array([p for p, _ in reversed(flat)], dtype=np.int64)
    times = np.array([t for _, t in reversed(flat)], dtype=np.int64)
    at = np.array([one for _, one in people], dtype=np.int64)
    found = rooms_left(owners, times, at, span, most).tolist()
    assert found == [room_left(sorted(mine), one, span, most) for mine, one in people]


@given(arrivals=st.lists(st.integers(0, 60), max_size=25), span=st.integers(1, 30), most=st.integers(1, 4))
def test_what_is_let_in_one_after_another_never_breaks_the_cap(arrivals: list[int], span: int, most: int) -> None:
    let_in: list[int] = []
    for at in arrivals:  # in any order: some are planned for later than others
        if room_left(sorted(let_in), at, span, most) > 0:
            let_in.append(at)
    assert holds(let_in, span, most)


def test_the_edge_of_a_window() -> None:
    assert room_left([0], 10, 10, 1) == 1, "exactly a window ago counts no more"
    assert room_left([0], 9, 10, 1) == 0
    assert room_left([10], 0, 10, 1) == 1, "what is planned counts the same way"
    assert room_left([9], 0, 10, 1) == 0
    assert room_left([0, 0, 0], 5, 10, 2) < 0, "a cap made tighter later"
