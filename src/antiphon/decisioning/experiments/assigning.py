"""Who is in an experiment, and in which of its arms: for a million people at once as for one. Pure.

Both are keyed hashes, so nothing needs storing and nobody ever moves. An experiment with strata is dealt when it starts: within
each stratum people are ordered by their hash, and arms are given along that order in proportion to their weights, so that each
arm has its share of each stratum to within one person (systematic sampling: W. G. Madow, Ann. Math. Statist. 20, 1949). What
was dealt is kept. Whoever comes later, or changes stratum, is where the hash, or the deal, has put them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.decisioning.experiments.design import SLOTS, Experiment
from antiphon.decisioning.experiments.model import arms_of, fraction_of, fractions_of

OUTSIDE = -1
"""The arm of people who do not take part."""
Ids = Sequence[int] | NDArray[np.int64] | NDArray[np.uint32]
Arms = NDArray[np.int8]


@dataclass(frozen=True)
class Assignment:
    """All that says who is where in one experiment: `slots` of its layer, `dealt` people by arm. Never changes while it runs."""

    experiment_id: int
    key: str
    state: str
    salt: str
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    percent: float = 100.0
    layer: str | None = None
    layer_salt: str = ""
    slots: frozenset[int] = frozenset()
    dealt: tuple[BitMap, ...] = ()
    winner: int | None = None

    def takes_part(self, secret: bytes, profile_ids: Ids) -> NDArray[np.bool_]:
        """Whether each person takes part."""
        ids = np.asarray(profile_ids, dtype=np.int64)
        if self.layer is not None:
            mine = np.zeros(SLOTS, dtype=np.bool_)
            mine[sorted(self.slots)] = True
            taken: NDArray[np.bool_] = mine[slots_of(secret, self.layer, self.layer_salt, ids)]
            return taken
        if self.percent >= 100:
            return np.ones(len(ids), dtype=np.bool_)
        return fractions_of(secret, f"share/{self.key}", ids, self.salt) < self.percent / 100

    def assign(self, secret: bytes, profile_ids: Ids) -> Arms:
        """The number of each person's arm, from 0; OUTSIDE for those who do not take part.

        Once there is a winner it is everybody's. Nothing is written: those whom an arm is then shown are for `expose`.
        """
        ids = np.asarray(profile_ids, dtype=np.int64)
        if self.winner is not None:
            return np.full(len(ids), self.winner, dtype=np.int8)
        arms = arms_of(secret, self.key, self.weights, ids, self.salt).astype(np.int8)
        for arm, people in enumerate(self.dealt):
            arms[_among(people, ids)] = arm
        arms[~self.takes_part(secret, ids)] = OUTSIDE
        return arms


def assignment_of(experiment: Experiment, layer_salt: str = "", dealt: Sequence[BitMap] = ()) -> Assignment:
    """What an experiment says of who is where."""
    design = experiment.design
    return Assignment(
        experiment_id=experiment.id, key=experiment.key, state=experiment.state, salt=experiment.salt,
        arms=tuple(arm.key for arm in design.arms), weights=design.weights, percent=design.percent, layer=experiment.layer,
        layer_salt=layer_salt, slots=frozenset(experiment.slots), dealt=tuple(dealt), winner=experiment.winner,
    )  # fmt: skip


def slots_of(secret: bytes, layer: str, salt: str, profile_ids: Ids) -> NDArray[np.int64]:
    """Each person's slot in a layer, 0 to 999, for ever."""
    ids = np.asarray(profile_ids, dtype=np.int64)
    return (fractions_of(secret, f"layer/{layer}", ids, salt) * SLOTS).astype(np.int64)


def deal(secret: bytes, one: Assignment, profile_ids: Ids, strata: NDArray[np.integer]) -> Arms:
    """Deal the arms of an experiment within strata (a number for each person): each arm gets its part of each to within one."""
    ids = np.asarray(profile_ids, dtype=np.int64)
    places = fractions_of(secret, one.key, ids, one.salt)
    order = np.lexsort((ids, places, strata))
    sorted_strata = np.asarray(strata)[order]
    firsts = np.flatnonzero(np.r_[True, sorted_strata[1:] != sorted_strata[:-1]]) if len(ids) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.r_[firsts, len(ids)])
    ranks = np.arange(len(ids)) - np.repeat(firsts, sizes)
    starts = np.array([fraction_of(secret, f"deal/{one.key}", int(sorted_strata[first]), one.salt) for first in firsts])
    shares = (ranks + np.repeat(starts, sizes)) / np.repeat(sizes, sizes)
    ends = np.cumsum(np.asarray(one.weights, dtype=np.float64))
    arms = np.empty(len(ids), dtype=np.int8)
    arms[order] = np.minimum(np.searchsorted(ends, shares * ends[-1], side="right"), len(ends) - 1)
    return arms


def first_stratum(profile_ids: Ids, segments: Sequence[BitMap]) -> NDArray[np.int64]:
    """The number of the first set each person is in; `len(segments)` for those in none."""
    ids = np.asarray(profile_ids, dtype=np.int64)
    found = np.full(len(ids), len(segments), dtype=np.int64)
    for number in reversed(range(len(segments))):
        found[_among(segments[number], ids)] = number
    return found


def _among(people: BitMap, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these are in a set; a few are asked for one by one, many are looked up in an array."""
    if len(ids) * 20 < len(people):
        return np.fromiter((one in people for one in ids.tolist()), dtype=np.bool_, count=len(ids))
    return np.isin(ids, np.frombuffer(people.to_array(), dtype=np.uint32))
