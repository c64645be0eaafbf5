"""What people do with messages: drawn by fitted or given rates, or as it was recorded. Randomness is keyed hashes.

A person's rate begins at that of their kind (channel, and how active they are) and moves with what they themselves did: of
``tries`` with ``hits`` it is ``(a + hits) / (a + b + tries)``, a beta prior's posterior mean. What is drawn counts as seen, so
that a person who was drawn to open is likelier to open again: that is a draw from the beta-binomial, person by person (Pólya's
urn), and the spread of a rehearsal's results is that of people, not of coins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.contract import NEVER, Bools, Ints

Floats = NDArray[np.float64]
WHAT = ("delivered", "opened", "clicked", "replied", "converted")
AFTER: Mapping[str, str] = {
    "delivered": "", "opened": "delivered", "clicked": "opened", "replied": "delivered", "converted": "opened",
}  # fmt: skip
"""What each presupposes; the first only that it was sent."""


@dataclass
class Habit:
    """How one thing goes on one channel: a prior for each level, what each person (by seat) did so far, and how long it takes:
    ``delays`` are seconds at even steps of probability."""

    hits_prior: Floats
    misses_prior: Floats
    hits: Floats
    tries: Floats
    delays: Floats

    def shares(self, seats: Ints, level: Ints) -> Floats:
        """Each one's probability now."""
        a, b = self.hits_prior[level], self.misses_prior[level]
        found: Floats = (a + self.hits[seats]) / (a + b + self.tries[seats])
        return found


@dataclass
class Given:
    """How one thing goes where somebody said so."""

    share: float
    delays: Floats

    def shares(self, seats: Ints, level: Ints) -> Floats:
        """The same for all."""
        return np.full(len(seats), self.share)


@dataclass
class Outcomes:
    """What becomes of some messages: ``at``: for each of `WHAT` the instant at which it comes to be, `NEVER` where it does not;
    ``recorded``: of which messages the past has the events already."""

    at: dict[str, Ints]
    recorded: Bools


class Behaviour(Protocol):
    """What becomes of messages."""

    def outcomes(self, channel: str, step: str, seats: Ints, profiles: Ints, salt: Ints, due: Ints) -> Outcomes:
        """Of messages of one step; ``salt`` tells several to one person apart."""


@dataclass
class Likely:
    """Drawn by rates. ``habits`` by (channel, what); one that is missing never comes to be, but what is sent is delivered."""

    secret: bytes
    name: str
    level: Ints
    habits: dict[tuple[str, str], Habit | Given] = field(default_factory=dict)

    def outcomes(self, channel: str, step: str, seats: Ints, profiles: Ints, salt: Ints, due: Ints) -> Outcomes:
        keys = profiles ^ (salt << 34)
        found: dict[str, Ints] = {"": due}
        for what in WHAT:
            found[what] = self._drawn(channel, what, f"{self.name}/{channel}/{step}/{what}", seats, keys, found[AFTER[what]])
        del found[""]
        return Outcomes(found, np.zeros(len(seats), dtype=np.bool_))

    def _drawn(self, channel: str, what: str, name: str, seats: Ints, keys: Ints, since: Ints) -> Ints:
        habit = self.habits.get((channel, what))
        at = np.full(len(seats), NEVER, dtype=np.int64)
        asked = np.flatnonzero(since != NEVER)
        if habit is None:
            return since.copy() if what == "delivered" else at
        who = seats[asked]
        hit = fractions_of(self.secret, name, keys[asked]) < habit.shares(who, self.level[who])
        if isinstance(habit, Habit):
            np.add.at(habit.tries, who, 1)
            np.add.at(habit.hits, who[hit], 1)
        come = asked[hit]
        at[come] = since[come] + delayed(habit.delays, fractions_of(self.secret, f"{name}/delay", keys[come]))
        return at


def delayed(delays: Floats, fractions: Floats) -> Ints:
    """How long each takes, in microseconds (one at least), drawn from the distribution that ``delays`` tells."""
    if not len(delays):
        return np.ones(len(fractions), dtype=np.int64)
    seconds = np.interp(fractions, np.linspace(0, 1, len(delays)), delays)
    return np.maximum((seconds * 1_000_000).astype(np.int64), 1)


@dataclass
class Recorded:
    """As it was when the journey was live: what became of the so-manieth message of a step to a person. ``rows``: by (profile,
    step) the instants of each message, in order of its being due, by what they are."""

    rows: Mapping[tuple[int, str], list[Mapping[str, int]]]
    otherwise: Behaviour
    taken: dict[tuple[int, str], int] = field(default_factory=dict)

    def outcomes(self, channel: str, step: str, seats: Ints, profiles: Ints, salt: Ints, due: Ints) -> Outcomes:
        found = {what: np.full(len(seats), NEVER, dtype=np.int64) for what in WHAT}
        known: Bools = np.zeros(len(seats), dtype=np.bool_)
        for place, profile in enumerate(profiles.tolist()):
            key = (profile, step)
            turn = self.taken.get(key, 0)
            self.taken[key] = turn + 1
            rows = self.rows.get(key, [])
            if turn < len(rows):
                known[place] = True
                for what, at in rows[turn].items():
                    found[what][place] = at
        other = np.flatnonzero(~known)
        if len(other):
            drawn = self.otherwise.outcomes(channel, step, seats[other], profiles[other], salt[other], due[other])
            for what in WHAT:
                found[what][other] = drawn.at[what]
        return Outcomes(found, known)
