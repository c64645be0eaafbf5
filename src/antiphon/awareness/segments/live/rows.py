"""Events of one name as columns in memory, found by person and by time without reading the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[Any]
WHO, AT = "who", "at"
"""The columns every row has: the profile it was written for (uint32), and when it happened (`unix`, int64)."""
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def unix(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _UNIX) // _TICK


class Rows:
    """Rows sorted by person, with the order of their instants beside.

    Never changed: what is added or taken away makes another. All columns have one length.
    """

    __slots__ = ("_order", "columns")

    def __init__(self, columns: Mapping[str, Column], order: Column | None = None) -> None:
        self.columns = dict(columns)
        self._order = order

    @classmethod
    def sort(cls, columns: Mapping[str, Column]) -> Rows:
        """Rows in any order, sorted by person; what happened earlier comes first if it did in ``columns``."""
        place = np.argsort(columns[WHO], kind="stable")
        return cls({name: column[place] for name, column in columns.items()})

    def __len__(self) -> int:
        return len(self.columns[WHO])

    @property
    def bytes(self) -> int:
        """What they take."""
        return sum(column.nbytes for column in self.columns.values()) + (0 if self._order is None else self._order.nbytes)

    def settle(self) -> Rows:
        """Work out the order of time now, which `between` else does when it is first asked."""
        if self._order is None:
            self._order = np.argsort(self.columns[AT], kind="stable").astype(np.uint32)
        return self

    def of(self, people: Column) -> tuple[Column, Column]:
        """(places of the rows, whose each is as a place in ``people``) of some people, sorted and distinct."""
        who = self.columns[WHO]
        low = np.searchsorted(who, people, "left")
        counts = np.searchsorted(who, people, "right") - low
        owner = np.repeat(np.arange(len(people)), counts)
        before = np.cumsum(counts) - counts
        return np.arange(len(owner)) + np.repeat(low - before, counts), owner

    def between(self, first: int, end: int) -> Column:
        """The people with rows that happened in ``[first, end)``, some perhaps more than once."""
        if end <= first or not len(self):
            return self.columns[WHO][:0]
        order = self.settle()._order
        assert order is not None
        at = self.columns[AT]
        low, high = _place(at, order, first), _place(at, order, end)
        return self.columns[WHO][order[low:high]]

    def plus(self, more: Rows) -> Rows:
        """These rows and those: of one person, these first."""
        if not len(more):
            return self
        places = np.searchsorted(self.columns[WHO], more.columns[WHO], "right")
        return Rows({name: np.insert(column, places, more.columns[name]) for name, column in self.columns.items()})

    def where(self, kept: Column) -> Rows:
        """The rows for which ``kept`` is true."""
        return self if bool(kept.all()) else Rows({name: column[kept] for name, column in self.columns.items()})

    def without(self, people: Column) -> Rows:
        """The rows of everybody but some people, sorted."""
        places, _ = self.of(people)
        if not len(places):
            return self
        kept = np.ones(len(self), dtype=np.bool_)
        kept[places] = False
        return self.where(kept)


def _place(at: Column, order: Column, instant: int) -> int:
    """How many rows happened before ``instant``: a binary search that reads as many rows as it takes steps."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if at[order[middle]] < instant:
            low = middle + 1
        else:
            high = middle
    return low
