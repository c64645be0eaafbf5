"""Random trees over random people, each at an instant of their own: they hold of whom the segments' checker says."""

from __future__ import annotations

import random
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from pyroaring import BitMap
from tests.awareness.segment_trees import AROUND, INNER, NOW, STATIC, TRAITS, Crowd, Trees as Choices

from antiphon.awareness.events.filters import filter_holds
from antiphon.awareness.segments import Known
from antiphon.awareness.segments.check import Checker, Person
from antiphon.awareness.segments.model import Lookalike, Node
from antiphon.execution.delivery.rules.model import Rules
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.execution.journeys.rehearsal.consents import CONSENT
from antiphon.execution.journeys.rehearsal.gate import Gate, Office, Spoken
from antiphon.execution.journeys.rehearsal.holding import Trees
from antiphon.execution.journeys.rehearsal.past import Past, Wanted, key_of
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.foundation.postgres.binary import from_micros, micros

HOURS = [timedelta(), timedelta(hours=-1), timedelta(hours=5), timedelta(days=-1), timedelta(days=2), timedelta(microseconds=1)]


class Known30(Trees):
    """What the lake would say of thirty people's traits, lists and likeness."""

    def __init__(self, about: Known, people: list[Person]) -> None:
        ctx: Any = SimpleNamespace(secret=b"tests")
        super().__init__(ctx, about, NOW)
        self.people = people

    async def of_traits(self, node: Node) -> BitMap:
        checker = Checker(NOW, TRAITS, self.about.segments)
        return BitMap(one.id for one in self.people if checker.holds(node, one))

    async def members(self, segment_id: int) -> BitMap:
        return BitMap(one.id for one in self.people if segment_id in one.lists)

    async def alike(self, node: Lookalike) -> BitMap:
        return BitMap(one.id for one in self.people if (node.id, node.percent) in one.alike)


class Thirty(Scene):
    """People whose words and addresses are known."""

    def know(self, people: list[Person]) -> None:
        self.people = people
        self.traits._today = {name: [one.traits.get(name) for one in people] for name in TRAITS}

    async def consents(self, channel: str, topic: str, seats: Ints, at: Ints) -> Ints:
        return np.array([CONSENT.index(one.consents.get((channel, topic), "unknown")) for one in self.people])[seats]

    async def reachable(self, channel: str) -> Bools:
        return np.array([channel in one.addresses and channel not in one.suppressed for one in self.people])


def past_of(people: list[Person], wanted: Wanted) -> Past:
    """Their events as they would be read."""
    rows = [(seat, event) for seat, one in enumerate(people) for event in one.events if event.name in wanted.names]
    names = sorted(wanted.names)
    at = np.array([micros(event.ts) for _, event in rows], dtype=np.int64)
    properties = np.empty(len(rows), dtype=object)
    properties[:] = [msgspec.json.encode(event.properties, enc_hook=float).decode() for _, event in rows]
    answers = {
        key: np.array([event.name == name and all(filter_holds(one, event.properties) for one in where) for _, event in rows], bool)
        for key, (name, _, where) in wanted.questions.items()
    }
    assert all(key == key_of(*asked) for key, asked in wanted.questions.items())
    return Past(
        names, np.array([seat for seat, _ in rows], dtype=np.int64), at, at,
        np.array([names.index(event.name) for _, event in rows], dtype=np.int64), np.zeros(len(rows), np.int8), properties, answers,
    )  # fmt: skip


async def test_trees_hold_as_the_checker_says() -> None:
    rules = Rules(version=1, zone=ZoneInfo("UTC"), quiet={}, windows={}, caps=(), suitability=(), kinds=())
    none = np.empty(0, dtype=np.int64)
    some = everybody = nobody = 0
    for seed in range(12):
        choices = Choices(random.Random(seed))
        inner = choices.plain()
        about = Known(TRAITS, {INNER: inner, STATIC: None}, False, AROUND)
        people = Crowd(seed).people({3, 4, 5, 9})
        trees = Known30(about, people)
        asked = [*choices.each(1), *(choices.tree() for _ in range(60))]
        wanted = Wanted(set(), set(), {}, None)
        for tree in asked:
            trees.wants(tree, wanted, NOW - timedelta(days=4))
        ids = np.array([one.id for one in people])
        office = Office(trees.ctx, rules, [], NOW)
        scene = Thirty(trees.ctx, ids, past_of(people, wanted), Gate(office, ids, Spoken(none, none, [], none)), trees)
        scene.know(people)
        seats = np.array(random.Random(seed).choices(range(len(people)), k=40))
        at = np.array([micros(NOW + choices.pick(HOURS)) for _ in seats])
        checkers: dict[int, Checker] = {one: Checker(from_micros(one), TRAITS, about.segments) for one in set(at.tolist())}
        for tree in asked:
            found = await scene.holding.holds(tree, seats, at)
            told = [checkers[when].holds(tree, people[seat]) for seat, when in zip(seats.tolist(), at.tolist(), strict=True)]
            assert found.tolist() == told, f"{seed}: {tree}"
            some, everybody, nobody = some + (any(told) and not all(told)), everybody + all(told), nobody + (not any(told))
    assert some > 500, (some, everybody, nobody)
