"""What a rehearsal counts and shares over all parts of the population: messages said, and the turns of gates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from antiphon.execution.journeys.contract import Ints
from antiphon.execution.journeys.live.gate import Turns, turns_of
from antiphon.execution.journeys.rehearsal.gate import DAY


@dataclass
class Tally:
    """What was said, over all parts of the population."""

    said: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(day since 2000, channel): messages, and what they cost."""
    refused: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(step, channel, reason): people."""
    moved: int = 0
    written: list[tuple[Ints, Ints]] = field(default_factory=list)
    """(profiles, day since 2000) of messages: for collisions."""
    started: dict[int, int] = field(default_factory=dict)
    """Other journeys that people were sent into: how many."""

    def take(self) -> list[tuple[Ints, Ints]]:
        """To whom messages went on which days, since this was asked last."""
        found, self.written = self.written, []
        return found

    def say(self, channel: str, profiles: Ints, due: Ints, price: int) -> None:
        """Count messages."""
        days = due // DAY
        for day, count in zip(*(one.tolist() for one in np.unique(days, return_counts=True)), strict=True):
            row = self.said.setdefault((day, channel), [0, 0])
            row[0] += count
            row[1] += count * price
        self.written.append((profiles, days.astype(np.int32)))


class Gates:
    """The rate-limited gates of a journey, shared by everybody: the turns they remember. ``share``: of a sample, what part of the
    population it is; a gate lets that part of its most through."""

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self._given: dict[str, Turns] = {}

    def take(self, step: str, at: Ints, most: int, length: int) -> Ints:
        """When each may pass."""
        most = max(1, round(most * self.share))
        passes, self._given[step] = turns_of(self._given.get(step, []), at, most, length)
        return passes
