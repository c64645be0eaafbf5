"""Random journeys over random histories: a rehearsal tells what one person at a time, one step at a time, would be told."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st
from pyroaring import BitMap
from tests.execution.journeys_cast import GOLD
from tests.execution.journeys_naive import Naive
from tests.execution.test_journeys_model import NAMES, PEOPLE, definitions

from antiphon.awareness.segments import Known, TraitCondition
from antiphon.execution.delivery.rules.model import Rules
from antiphon.execution.journeys.contract import Ints, Line
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition
from antiphon.execution.journeys.rehearsal.behaviour import Likely
from antiphon.execution.journeys.rehearsal.books import Book, Counts
from antiphon.execution.journeys.rehearsal.driver import Part, go_through
from antiphon.execution.journeys.rehearsal.entrants import entrants_of
from antiphon.execution.journeys.rehearsal.gate import Gate, Office, Spoken
from antiphon.execution.journeys.rehearsal.holding import Trees
from antiphon.execution.journeys.rehearsal.listing import listing_of
from antiphon.execution.journeys.rehearsal.past import Past
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.execution.journeys.rehearsal.tally import Gates, Tally
from antiphon.execution.journeys.rehearsal.world import Rehearsed
from antiphon.foundation.postgres.binary import micros

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LENGTH = 600
Happening = tuple[int, str, int]
happenings = st.lists(
    st.tuples(st.integers(1, PEOPLE), st.sampled_from(NAMES), st.integers(0, LENGTH * 1_000_000)), min_size=3, max_size=40,
    unique_by=lambda one: one[2],
)  # fmt: skip


def naively(definition: Definition, happened: list[Happening]) -> Naive:
    """The clock goes from one due instant to the next, and nobody is ever late."""
    naive = Naive(definition, lambda person: person % 2 == 0, lambda person: person % 10 / 10)
    first = micros(START)
    coming = sorted((first + at, person, name) for person, name, at in happened)
    while True:
        wakes = [one.wake for one in naive.passages if one.left is None and one.wake is not None]
        now = min([*wakes, *(at for at, _, _ in coming[:1])], default=None)
        if now is None or now >= first + LENGTH * 1_000_000:
            return naive
        while coming and coming[0][0] <= now:
            at, person, name = coming.pop(0)
            naive.do(person, name, at)
        naive.tick(now)


async def rehearsed(definition: Definition, happened: list[Happening], window: int | None) -> dict[int, dict[int, list[Any]]]:
    """What the rehearsal tells of each person's passages, line by line."""
    plan = Plan(0, 1, definition, installed())
    ctx: Any = SimpleNamespace(secret=b"tests")
    trees = Trees(ctx, Known({}, {}, False), START)
    trees._sets[repr(TraitCondition(trait="plan", op="is", value=GOLD["value"]))] = BitMap(range(2, PEOPLE + 1, 2))
    listing = listing_of(plan, trees, START, START)
    names = sorted(listing.wanted.names)
    heard = [one for one in happened if one[1] in names]
    at = np.array([micros(START) + at for _, _, at in heard], dtype=np.int64)
    seat = np.array([person - 1 for person, _, _ in heard], dtype=np.int64)
    code = np.array([names.index(name) for _, name, _ in heard], dtype=np.int64)
    past = Past(names, seat, at, at, code, np.zeros(len(heard), dtype=np.int8))
    rules = Rules(version=1, zone=ZoneInfo("UTC"), quiet={}, windows={}, caps=(), suitability=(), kinds=())
    ids, none = np.arange(1, PEOPLE + 1), np.empty(0, dtype=np.int64)
    scene = Scene(ctx, ids, past, Gate(Office(ctx, rules, [], START), ids, Spoken(none, none, [], none)), trees)
    world = Rehearsed(scene, Likely(b"tests", "tests", ids * 0), Tally(), Gates())
    world.fractions = lambda name, profiles: profiles % 10 / 10  # type: ignore[method-assign]
    since, until = micros(START - timedelta(seconds=1)), micros(START + timedelta(seconds=LENGTH))
    found: dict[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))

    def told(profiles: Ints, runs: Ints, line: Line) -> None:
        for profile, run, when in zip(profiles.tolist(), runs.tolist(), line.at.tolist(), strict=True):
            found[profile][run].append((when, line.step, line.did, line.how))

    coming = entrants_of(definition, scene, since, until, {}, {}, carried=False)
    part = Part(plan, world, coming, Counts(), Book(), told=told)
    await go_through(part, until, window=window)
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definition=definitions(), happened=happenings, window=st.sampled_from([None, None, 30_000_000]))
async def test_a_rehearsal_tells_what_the_naive_engine_tells(
    definition: Definition, happened: list[Happening], window: int | None
) -> None:
    happened = [*((person, "Joined", -person) for person in range(1, PEOPLE + 1)), *happened]
    naive = naively(definition, happened)
    found = await rehearsed(definition, happened, window)
    told = {
        person: [[(at, *one) for at, path in passage for one in path] for passage in passages]
        for person, passages in naive.histories().items()
    }
    assert {person: list(runs.values()) for person, runs in found.items()} == told
