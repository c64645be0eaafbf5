"""Who may enter a journey: its rules over columns, pure. The live engine and a rehearsal both ask `admit`.

Candidates are judged in their order, each as if those before had entered: the rule of entering again, how many passages of one
person may be under way, exclusion between journeys, the holdout, and how many people the journey takes at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from antiphon.awareness.events.values import dig, plain
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.execution.journeys.model import Definition

NOT_YET = np.iinfo(np.int64).min
"""When somebody entered last who never did."""
NO_RIVAL = 99
"""The priority of no journey."""


class Outcome(IntEnum):
    """What becomes of a candidate. In the order in which the rules are asked."""

    ENTERED = 0
    NO_KEY = 1
    AGAIN = 2
    AT_ONCE = 3
    EXCLUSIVE = 4
    HOLDOUT = 5
    FULL = 6


REASONS = ("entered", "no_key", "again", "at_once", "exclusive", "holdout", "full")


@dataclass(frozen=True, slots=True)
class Standing:
    """How candidates stand, one place for each. ``inside``: passages of theirs under way here; ``last``: when they last entered,
    or `NOT_YET` (a holdout counts as having entered); ``used``: whether they entered with this key before; ``rival``: the first
    priority among the journeys of the same exclusive set that they are in, or `NO_RIVAL`."""

    inside: Ints
    last: Ints
    used: Bools
    rival: Ints


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of each candidate (`Outcome`), and whose passages in rival journeys end by it."""

    outcome: Ints
    displaces: Bools

    @property
    def entered(self) -> Ints:
        """Places of those who enter."""
        return np.flatnonzero(self.outcome == Outcome.ENTERED)


class _Books:
    """How people stand while candidates are judged one after another: a place for each person, and for each person's key."""

    def __init__(self, person: Ints, pair: Ints, standing: Standing) -> None:
        people, pairs = int(person.max(initial=-1)) + 1, int(pair.max(initial=-1)) + 1
        self.inside = np.zeros(people, dtype=np.int64)
        self.last = np.full(people, NOT_YET, dtype=np.int64)
        self.rival = np.full(people, NO_RIVAL, dtype=np.int64)
        self.used = np.zeros(pairs, dtype=np.bool_)
        self.inside[person] = standing.inside
        self.last[person] = standing.last
        self.rival[person] = standing.rival
        self.used[pair] = standing.used


def key_of(names: Sequence[str], properties: Mapping[str, Any]) -> str:
    """What somebody enters for, as one text, by whatever way they come: the values of these properties; empty where one says
    nothing."""
    parts = [plain(dig(dict(properties), name)) for name in names]
    return "" if not parts or any(not one for one in parts) else "\x1f".join(one for one in parts if one)


def admit(
    definition: Definition,
    profiles: Ints,
    keys: Sequence[str],
    at: Ints,
    standing: Standing,
    held_out: Bools,
    room: int | None = None,
) -> Admitted:
    """Judge candidates in their order. ``at``: when each would enter, in microseconds; ``keys``: what each enters for (empty:
    nothing, which a rule of keys refuses); ``held_out``: who belongs to the holdout; ``room``: how many more
    the journey takes."""
    count = len(profiles)
    person = np.unique(profiles, return_inverse=True)[1] if count else np.empty(0, dtype=np.int64)
    known: dict[str, int] = {}
    key = np.fromiter((known.setdefault(one, len(known)) for one in keys), dtype=np.int64, count=count)
    pair = np.unique(person * max(1, len(known)) + key, return_inverse=True)[1] if count else person
    turn = _turns(person)
    judged = _judge(definition, person, pair, keys, at, standing, held_out, turn, count)
    entered = np.flatnonzero(judged[0] == Outcome.ENTERED)
    if room is not None and len(entered) > max(0, room):
        full_from = int(entered[max(0, room)])
        judged = _judge(definition, person, pair, keys, at, standing, held_out, turn, full_from)
    return Admitted(*judged)


def _turns(person: Ints) -> Ints:
    """The how-manieth candidate of the same person each one is."""
    order = np.argsort(person, kind="stable")
    placed = person[order]
    starts = np.flatnonzero(np.r_[True, placed[1:] != placed[:-1]]) if len(placed) else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(placed)])
    turn = np.empty(len(person), dtype=np.int64)
    turn[order] = np.arange(len(person)) - np.repeat(starts, lengths)
    return turn


def _judge(
    definition: Definition,
    person: Ints,
    pair: Ints,
    keys: Sequence[str],
    at: Ints,
    standing: Standing,
    held_out: Bools,
    turn: Ints,
    full_from: int,
) -> tuple[Ints, Bools]:
    """One candidate of each person after another; from the place ``full_from`` on nobody enters any more."""
    books = _Books(person, pair, standing)
    again = definition.again
    outcome = np.zeros(len(person), dtype=np.int64)
    displaces = np.zeros(len(person), dtype=np.bool_)
    period = int((again.period_seconds or 0) * 1_000_000)
    nameless = np.fromiter((not one for one in keys), dtype=np.bool_, count=len(person)) & (again.rule == "key")
    for group in range(int(turn.max(initial=-1)) + 1):
        places = np.flatnonzero(turn == group)
        who, what = person[places], pair[places]
        known = books.last[who] != NOT_YET
        match again.rule:
            case "once":
                refused = known
            case "period":
                since = at[places] - np.where(known, books.last[who], at[places])
                refused = known & (since < period)
            case "key":
                refused = books.used[what]
            case _:
                refused = np.zeros(len(places), dtype=np.bool_)
        found = np.zeros(len(places), dtype=np.int64)
        for code, mask in (
            (Outcome.FULL, places >= full_from),
            (Outcome.HOLDOUT, held_out[places]),
            (Outcome.EXCLUSIVE, books.rival[who] <= definition.priority),
            (Outcome.AT_ONCE, books.inside[who] >= again.at_once),
            (Outcome.AGAIN, refused),
            (Outcome.NO_KEY, nameless[places]),
        ):
            found[mask] = code
        outcome[places] = found
        counts = (found == Outcome.ENTERED) | (found == Outcome.HOLDOUT)
        books.last[who[counts]] = np.maximum(books.last[who[counts]], at[places[counts]])
        books.used[what[counts]] = True
        inside = found == Outcome.ENTERED
        books.inside[who[inside]] += 1
        if definition.displaces:
            ending = inside & (books.rival[who] != NO_RIVAL)
            displaces[places[ending]] = True
            books.rival[who[ending]] = NO_RIVAL
    return outcome, displaces
