"""Paths made by ways, not by people, are what each person's lines say one after another."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

from antiphon.execution.journeys.contract import NEVER, Line
from antiphon.execution.journeys.telling import counted, paths, plain_json
from antiphon.foundation.postgres.binary import from_micros

PEOPLE = 6
fact = st.sampled_from([None, 1, "x", "\0y", 2.5, [1], {"a": "ü"}])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    places = np.array(sorted(draw(st.sets(st.integers(0, PEOPLE - 1), min_size=1))), dtype=np.int64)
    facts: dict[str, Any] = {}
    if draw(st.booleans()):
        facts["all"] = draw(fact)
    if draw(st.booleans()):
        facts["each"] = draw(st.lists(fact, min_size=len(places), max_size=len(places)))
    if draw(st.booleans()):
        few = st.sampled_from([0, 5_000_000, int(NEVER)])
        facts["until"] = np.array(draw(st.lists(few, min_size=len(places), max_size=len(places))), dtype=np.int64)
    if draw(st.booleans()):
        facts["many"] = np.arange(len(places))
    return Line(draw(st.integers(0, 3)), draw(st.sampled_from(["next", "rest"])), "went", places, places, facts)


def said(line: Line, at: int) -> dict[str, Any]:
    """A line as one person has it."""
    facts = {}
    for name, value in line.facts.items():
        one = value[at] if isinstance(value, list | np.ndarray) and name != "all" else value
        if name == "until":
            one = None if int(one) == NEVER else from_micros(int(one))
        facts[name] = json.loads(plain_json(one))
    head = {"s": line.step, "d": line.did, "h": line.how}
    return head | {"w": facts} if facts else head


@settings(max_examples=200, deadline=None)
@given(st.lists(lines(), max_size=6))
def test_each_has_their_own_lines_in_order(told: list[Line]) -> None:
    found = paths([line for line in told if not isinstance(line.facts.get("all"), list)], PEOPLE)
    expected: list[list[dict[str, Any]]] = [[] for _ in range(PEOPLE)]
    for line in told:
        if not isinstance(line.facts.get("all"), list):
            for at, place in enumerate(line.places.tolist()):
                expected[place].append(said(line, at))
    assert [json.loads(found.texts[way]) for way in found.way.tolist()] == expected
    assert found.told.tolist() == [place for place, one in enumerate(expected) if one]


def test_numbers_are_people_not_moves() -> None:
    two = np.array([0, 1])
    found = counted([Line(1, "next", "went", two, two, {}), Line(1, "next", "went", two[:1], two[:1], {}), Line(2, "rest", "rests", two, two, {})])
    assert found == {(1, "next", "went"): 3, (2, "rest", "rests"): 2}


def test_a_character_no_table_holds_is_told_as_one_that_shows_it() -> None:
    assert json.loads(plain_json({"a\0": ["\0"], "b": "\\u0000"})) == {"a\ufffd": ["\ufffd"], "b": "\\u0000"}
