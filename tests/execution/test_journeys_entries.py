"""Who may enter: the rules over columns agree with a clerk who asks one person after another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings, strategies as st

from antiphon.execution.journeys.entries import NO_RIVAL, NOT_YET, REASONS, Standing, admit
from antiphon.execution.journeys.model import Again, Definition

SECOND = 1_000_000


@dataclass
class Person:
    """One card in the clerk's box."""

    inside: int
    last: int | None
    rivals: list[int]
    used: set[str] = field(default_factory=set)


@dataclass
class Case:
    definition: Definition
    people: dict[int, Person]
    candidates: list[tuple[int, str, int, bool]]
    room: int | None


def clerk(case: Case) -> tuple[list[str], list[bool]]:
    """Ask each candidate in turn, writing down who came in."""
    rule, said, displaced = case.definition.again, [], []
    room = case.room
    for who, key, at, held in case.candidates:
        person = case.people[who]
        ends = False
        been = {
            "once": person.last is not None,
            "period": person.last is not None and at - person.last < (rule.period_seconds or 0) * SECOND,
            "key": key in person.used,
            "always": False,
        }
        if rule.rule == "key" and key == "":
            word = "no_key"
        elif been[rule.rule]:
            word = "again"
        elif person.inside >= rule.at_once:
            word = "at_once"
        elif any(rival <= case.definition.priority for rival in person.rivals):
            word = "exclusive"
        elif held:
            word = "holdout"
        elif room is not None and room <= 0:
            word = "full"
        else:
            word = "entered"
            person.inside += 1
            if room is not None:
                room -= 1
            if case.definition.displaces and person.rivals:
                ends = True
                person.rivals = []
        if word in ("entered", "holdout"):
            person.last = at if person.last is None else max(at, person.last)
            person.used.add(key)
        said.append(word)
        displaced.append(ends)
    return said, displaced


@st.composite
def cases(draw: st.DrawFn) -> Case:
    again = Again(
        rule=draw(st.sampled_from(["once", "period", "key", "always"])), period_seconds=draw(st.sampled_from([0, 5, 30])),
        at_once=draw(st.integers(1, 3)),
    )  # fmt: skip
    definition = Definition(again=again, priority=draw(st.integers(0, 3)), displaces=draw(st.booleans()))
    keys = st.sampled_from(["", "a", "b"])
    people = {
        who: Person(
            inside=draw(st.integers(0, 2)), last=draw(st.none() | st.integers(0, 60).map(lambda s: s * SECOND)),
            rivals=draw(st.lists(st.integers(0, 4), max_size=2)), used=draw(st.sets(keys, max_size=2)),
        )
        for who in range(1, draw(st.integers(1, 4)) + 1)
    }  # fmt: skip
    candidate = st.tuples(st.sampled_from(sorted(people)), keys, st.integers(0, 90).map(lambda s: s * SECOND), st.booleans())
    return Case(definition, people, draw(st.lists(candidate, max_size=14)), draw(st.none() | st.integers(0, 4)))


@settings(max_examples=400, deadline=None)
@given(cases())
def test_columns_agree_with_the_clerk(case: Case) -> None:
    whose = [case.people[who] for who, _, _, _ in case.candidates]
    standing = Standing(
        inside=np.array([one.inside for one in whose], dtype=np.int64),
        last=np.array([NOT_YET if one.last is None else one.last for one in whose], dtype=np.int64),
        used=np.array([key in one.used for one, (_, key, _, _) in zip(whose, case.candidates, strict=True)], dtype=np.bool_),
        rival=np.array([min(one.rivals, default=NO_RIVAL) for one in whose], dtype=np.int64),
    )
    found = admit(
        case.definition, np.array([one[0] for one in case.candidates], dtype=np.int64), [one[1] for one in case.candidates],
        np.array([one[2] for one in case.candidates], dtype=np.int64), standing,
        np.array([one[3] for one in case.candidates], dtype=np.bool_), case.room,
    )  # fmt: skip
    said, displaced = clerk(case)
    assert [REASONS[one] for one in found.outcome.tolist()] == said
    assert found.displaces.tolist() == displaced


def test_nobody_is_nobody() -> None:
    none = np.empty(0, dtype=np.int64)
    found = admit(Definition(), none, [], none, Standing(none, none, none.astype(bool), none), none.astype(bool), 0)
    assert found.entered.tolist() == []
