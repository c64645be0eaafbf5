"""What is kept of people on their way through a rehearsal: who would come in, where each passage stands, and the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon.execution.journeys.contract import NEVER, OUT, Ints


@dataclass
class Entrants:
    """Who would come in, sorted by seat and instant. ``since``: when they did what has them enter; ``keys``: what for;
    ``memory``: what they carry along."""

    seat: Ints
    at: Ints
    since: Ints
    keys: Sequence[str] = ()
    memory: Callable[[int], dict[str, Any] | None] | None = None


@dataclass
class Counts:
    """What became of people, over all parts of the population."""

    arrows: dict[tuple[int, str, str], int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    waiting: dict[int, list[int]] = field(default_factory=dict)
    """By step: who stays at the end, and who of them for ever."""
    converted: int = 0
    rounds: dict[int, list[int]] = field(default_factory=dict)
    """By step: who came there again and again and is still inside, and how often at most."""
    inside: int = 0

    def add(self, into: dict[Any, int], key: Any, count: int) -> None:
        """Count some more."""
        if count:
            into[key] = into.get(key, 0) + count


@dataclass
class Book:
    """Places the journey has left, shared by everybody; without ``most`` there is no end of them."""

    most: int | None = None
    inside: int = 0

    @property
    def room(self) -> int | None:
        """How many more it takes."""
        return None if self.most is None else self.most - self.inside


class Passages:
    """Passages of the people of one part, in columns; the number of one is its place."""

    COLUMNS = ("seat", "step", "entered", "arrived", "wake", "turn", "cursor", "last", "heard_at", "heard", "moves", "visits")

    def __init__(self, size: int = 1024) -> None:
        self.count = 0
        for name in self.COLUMNS:
            setattr(self, name, np.zeros(size, dtype=np.int64))
        self.memory: list[dict[str, Any] | None] = []

    seat: Ints
    step: Ints
    entered: Ints
    arrived: Ints
    wake: Ints
    turn: Ints
    cursor: Ints
    last: Ints
    heard_at: Ints
    heard: Ints
    moves: Ints
    visits: Ints

    def add(self, seats: Ints, entered: Ints) -> Ints:
        """New passages; their numbers."""
        runs = np.arange(self.count, self.count + len(seats))
        need = self.count + len(seats)
        if need > len(self.seat):
            size = max(need, 2 * len(self.seat))
            for name in self.COLUMNS:
                setattr(self, name, np.concatenate((getattr(self, name), np.zeros(size - len(getattr(self, name)), np.int64))))
        self.count = need
        self.seat[runs], self.entered[runs], self.heard_at[runs] = seats, entered, NEVER
        self.memory.extend([None] * len(seats))
        return runs

    @property
    def active(self) -> Ints:
        """The numbers of those who are inside."""
        return np.flatnonzero(self.step[: self.count] != OUT)
