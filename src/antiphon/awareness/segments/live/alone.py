"""Conditions that columns cannot decide (sequences, first and last times, different values, since another event): each
person touched is looked at alone, by the check that also explains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from antiphon.awareness.segments.check import Checker, Happened, Person
from antiphon.awareness.segments.live.rows import AT, Column
from antiphon.awareness.segments.live.strands import SAID, Strand
from antiphon.awareness.segments.model import Node

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def holds(
    node: Node, now: datetime, gathered: Mapping[str, tuple[Strand, dict[str, Column], Column]], people: Column
) -> Column:
    """For each of some people whether the condition holds, by their rows of each strand it looks at."""
    lives: list[list[Happened]] = [[] for _ in range(len(people))]
    for name, (strand, columns, owner) in gathered.items():
        said = columns.get(SAID)
        for place, (at, whose) in enumerate(zip(columns[AT].tolist(), owner.tolist(), strict=True)):
            words = {} if said is None else strand.sayings.said[said[place]]
            lives[whose].append(Happened(_UNIX + timedelta(microseconds=at), name, words))
    checker = Checker(now, {})
    found = [checker.holds(node, Person(who, {}, life)) for who, life in zip(people.tolist(), lives, strict=True)]
    return np.array(found, dtype=np.bool_)
