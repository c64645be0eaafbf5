"""Counting contacts in sliding windows. Pure: times are whole microseconds.

A cap of ``most`` in ``span`` means: no stretch (t - span, t] holds more than ``most`` of a person's contacts, wherever it
lies. What is planned for later counts as well as what was said.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def room_left(times: Sequence[int], at: int, span: int, most: int) -> int:
    """How many more contacts at ``at`` a person with these (sorted) has room for; 0 or less is none."""
    left = most - (bisect.bisect_right(times, at) - bisect.bisect_right(times, at - span))
    for later in times[bisect.bisect_right(times, at) : bisect.bisect_left(times, at + span)]:
        stretch = bisect.bisect_right(times, later) - bisect.bisect_right(times, later - span)
        left = min(left, most - stretch)
    return left


def rooms_left(owners: Ints, times: Ints, at: Ints, span: int | Ints, most: int) -> Ints:
    """`room_left` of many: ``owners`` says whose contact each of ``times`` is, as a place in ``at``."""
    spans = np.broadcast_to(np.asarray(span, dtype=np.int64), at.shape)
    mine, length = at[owners], spans[owners]
    behind = (times <= mine) & (times > mine - length)
    left = most - np.bincount(owners[behind], minlength=len(at)).astype(np.int64)
    ahead = (times > mine) & (times < mine + length)
    if ahead.any():  # something is planned for later: those people are looked at one by one
        order = np.lexsort((times, owners))
        sorted_owners, sorted_times = owners[order], times[order]
        for place in np.unique(owners[ahead]).tolist():
            first, last = np.searchsorted(sorted_owners, (place, place + 1))
            left[place] = room_left(sorted_times[first:last].tolist(), int(at[place]), int(spans[place]), most)
    return left
