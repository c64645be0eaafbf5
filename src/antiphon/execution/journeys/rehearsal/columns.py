"""Columns of people and instants: what happened to whom, looked up for many at once. Pure numpy.

People are numbered by their place in the population (a *seat*). Instants are whole microseconds, as everywhere in journeys.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon.execution.journeys.contract import NEVER, Bools, Ints


def turns(values: Ints) -> Ints:
    """Of each value the how-many-eth of its like it is, from 0, in the order given."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1]))) if len(values) else np.empty(0, np.int64)
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
    return found


class Stream:
    """Things that happened, sorted by seat and instant (and, at one instant, in the order given); looked up by both."""

    def __init__(self, seat: NDArray[np.integer], at: Ints) -> None:
        self.order = np.lexsort((np.asarray(at), np.asarray(seat)))
        self.at: Ints = np.asarray(at, dtype=np.int64)[self.order]
        self.seat = np.asarray(seat, dtype=np.int64)[self.order]
        self._times = np.unique(self.at)
        self._keys = self._key(self.seat, np.searchsorted(self._times, self.at))

    def __len__(self) -> int:
        return len(self.at)

    def _key(self, seats: Ints, rank: Ints) -> Ints:
        # instants are told by their rank among all there are, so that seat and instant fit one number
        found: Ints = seats * (len(self._times) + 1) + rank
        return found

    def place(self, seats: Ints, at: Ints, *, after: bool = True) -> Ints:
        """The place of the first thing of each seat later than ``at`` (or, without ``after``, not before it); where there is
        none, the place of the first of a later seat."""
        rank = np.searchsorted(self._times, at, side="right" if after else "left")
        found: Ints = np.searchsorted(self._keys, self._key(np.asarray(seats, dtype=np.int64), rank))
        return found

    def count(self, seats: Ints, first: Ints | None, end: Ints | None) -> Ints:
        """How many in ``[first, end)`` each seat has."""
        low = np.full(len(seats), -NEVER) if first is None else first
        high = np.full(len(seats), NEVER) if end is None else end
        found: Ints = np.maximum(self.place(seats, high, after=False) - self.place(seats, low, after=False), 0)
        return found

    def of(self, seats: Ints, places: Ints) -> Bools:
        """Whether there is something at these places, and of these seats."""
        inside = places < len(self.at)
        found: Bools = np.zeros(len(places), dtype=np.bool_)
        found[inside] = self.seat[places[inside]] == np.asarray(seats)[inside]
        return found


class Log:
    """What is added to people as time goes: instants with a kind and a reference, a row for each seat, as wide as the most."""

    def __init__(self, seats: int, width: int = 4) -> None:
        self.at: Ints = np.full((seats, width), NEVER, dtype=np.int64)
        self.kind = np.full((seats, width), -1, dtype=np.int32)
        self.ref = np.full((seats, width), -1, dtype=np.int32)
        self.count = np.zeros(seats, dtype=np.int32)

    def add(self, seats: Ints, at: Ints, kind: Ints | int, ref: Ints | int = -1) -> None:
        """Add one thing for each of these seats; a seat may be there more than once."""
        if not len(seats):
            return
        column = self.count[seats] + turns(seats)
        while int(column.max()) >= self.at.shape[1]:
            self._widen()
        self.at[seats, column] = at
        self.kind[seats, column] = kind
        self.ref[seats, column] = ref
        np.add.at(self.count, seats, 1)

    def _widen(self) -> None:
        seats, width = self.at.shape
        self.at = np.concatenate((self.at, np.full((seats, width), NEVER, dtype=np.int64)), axis=1)
        self.kind = np.concatenate((self.kind, np.full((seats, width), -1, dtype=np.int32)), axis=1)
        self.ref = np.concatenate((self.ref, np.full((seats, width), -1, dtype=np.int32)), axis=1)

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self.count.any()

    def within(self, seats: Ints, since: Ints, until: Ints) -> tuple[Ints, Ints, Ints]:
        """What each of these seats has after ``since`` and before ``until``: (place in ``seats``, instant, kind)."""
        at = self.at[seats]
        owner, column = np.nonzero((at > since[:, None]) & (at < until[:, None]))
        return owner, at[owner, column], self.kind[seats[owner], column].astype(np.int64)

    def next(self, seats: Ints, after: Ints, kinds: Bools) -> tuple[Ints, Ints]:
        """Of each seat the first instant after ``after`` of these kinds (a flag for each kind), `NEVER` where there is none; and
        its column."""
        at, kind = self.at[seats], self.kind[seats]
        wanted = (at > after[:, None]) & (kind >= 0) & kinds[kind]
        masked = np.where(wanted, at, NEVER)
        column = masked.argmin(axis=1)
        return masked[np.arange(len(seats)), column], column

    def tally(self, seats: Ints, first: Ints, end: Ints, kind: int) -> Ints:
        """How many of a kind in ``[first, end)`` each seat has."""
        at = self.at[seats]
        found: Ints = ((at >= first[:, None]) & (at < end[:, None]) & (self.kind[seats] == kind)).sum(axis=1)
        return found
