"""Where a journey and the others that are live meet: the same people at the same time, messages on one day, exclusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from antiphon.execution.journeys.contract import NEVER, Ints
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.rehearsal.books import Passages
from antiphon.execution.journeys.rehearsal.model import RehearsedCollision
from antiphon.execution.journeys.rehearsal.reading import DAYS, Others


class Collisions:
    """Added up over the parts of the population."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._names: dict[int, str] = {}
        self._found: dict[int, list[int]] = {}

    def add(self, ids: Ints, runs: Passages, others: Others, written: Sequence[tuple[Ints, Ints]]) -> None:
        """Meet the others of one part. ``written``: (profiles, days) of messages of the rehearsal."""
        begin, end = stays(len(ids), runs)
        self._names |= others.names
        days = np.unique(np.concatenate([who * DAYS + day for who, day in written])) if written else np.empty(0, np.int64)
        for journey in others.names:
            mine = others.journey == journey
            seat = others.seat[mine]
            meets = (others.begin[mine] <= end[seat]) & (others.end[mine] >= begin[seat])
            people = len(np.unique(seat[meets]))
            said = others.said.get(journey)
            same = 0 if said is None else len(np.intersect1d(days, said, assume_unique=True))
            group, definition = others.exclusive.get(journey, ("", 0))[0], self.plan.definition
            row = self._found.setdefault(journey, [0, 0, 0])
            row[0] += people
            row[1] += same
            row[2] += people if group and group == definition.exclusive else 0

    def found(self) -> list[RehearsedCollision]:
        """The journeys there is something to say of, the most first."""
        rows = sorted(self._found.items(), key=lambda one: (-one[1][0] - one[1][1], one[0]))
        return [
            RehearsedCollision(journey_id=journey, name=self._names[journey], people=people, days=days, excluded=excluded)
            for journey, (people, days, excluded) in rows if people or days
        ]  # fmt: skip


def stays(seats: int, runs: Passages) -> tuple[Ints, Ints]:
    """From when to when each seat was inside; nobody's is over before it begins."""
    begin, end = np.full(seats, NEVER, dtype=np.int64), np.full(seats, -NEVER, dtype=np.int64)
    seat = runs.seat[: runs.count]
    np.minimum.at(begin, seat, runs.entered[: runs.count])
    np.maximum.at(end, seat, runs.last[: runs.count])
    return begin, end
