"""Time moves an answer only over the edges a condition names: what checking only some people rests on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.awareness.segment_trees import NOW, NOWS, TICK, TRAITS, Crowd, Trees

from antiphon.awareness.segments.check import Checker
from antiphon.awareness.segments.leaves import edges, moved, moves_with_time, reads_properties, reads_since, sources
from antiphon.awareness.segments.model import (
    Age,
    Calendar,
    Condition,
    EventCondition,
    InSegment,
    Last,
    Lookalike,
    RelativeInstant,
    Sequence,
    SinceEvent,
    Span,
    Step,
    TraitCondition,
)

PASSING = [
    TICK,
    timedelta(seconds=1),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=12),
    *(timedelta(n) for n in (1, 2, 3, 31, 92, 366)),
]


def leaves(trees: Trees, count: int) -> list[Condition]:
    return [leaf for leaf in (trees.leaf() for _ in range(count)) if not isinstance(leaf, InSegment)]  # type: ignore[misc]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    choices=st.randoms(use_true_random=False),
    seed=st.integers(0, 2**32),
    now=st.sampled_from(NOWS),
    passing=st.sampled_from(PASSING),
)
def test_an_answer_that_time_alone_changed_has_an_event_that_crossed_an_edge(
    choices: random.Random, seed: int, now: datetime, passing: timedelta
) -> None:
    later = now + passing
    people = Crowd(seed, choices.choice([now, later])).people(set())
    before, after = Checker(now, TRAITS), Checker(later, TRAITS)
    for leaf in leaves(Trees(choices, choices.choice([now, later])), 25):
        swept = list(zip(edges(leaf, now), edges(leaf, later), strict=True))
        assert all(first <= second for first, second in swept)
        names = sources(leaf)
        for person in people:
            if before.holds(leaf, person) != after.holds(leaf, person):
                crossed = any(
                    first < event.ts <= second
                    for event in person.events
                    if names is None or event.name in names
                    for first, second in swept
                )
                assert crossed or (moves_with_time(leaf) and moved(leaf, now, later)), (leaf, person)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(choices=st.randoms(use_true_random=False), seed=st.integers(0, 2**32), now=st.sampled_from(NOWS))
def test_only_events_of_its_sources_and_its_time_matter(choices: random.Random, seed: int, now: datetime) -> None:
    checker = Checker(now, TRAITS)
    people = Crowd(seed, now).people(set())
    for leaf in leaves(Trees(choices, now), 25):
        names, since = sources(leaf), reads_since(leaf, now)
        for person in people:
            kept = [
                event
                for event in person.events
                if (names is None or event.name in names) and (since is None or event.ts >= since) and event.ts <= now
            ]
            bare = kept if reads_properties(leaf) else [type(event)(event.ts, event.name, {}) for event in kept]
            less = type(person)(**{name: getattr(person, name) for name in person.__struct_fields__} | {"events": bare})
            assert checker.holds(leaf, less) == checker.holds(leaf, person), leaf


@pytest.mark.parametrize(
    ("leaf", "names", "expected"),
    [
        (EventCondition(name="A"), {"A"}, [timedelta()]),
        (EventCondition(name="A", window=Last(amount=2, unit="days")), {"A"}, [timedelta(), timedelta(days=2)]),
        (EventCondition(name="A", window=SinceEvent(name="B")), {"A", "B"}, [timedelta()]),
        (
            Sequence(steps=[Step(name="A"), Step(name="B", absent=True, at_most=Span(amount=3, unit="days"))]),
            {"A", "B"},
            [timedelta(), timedelta(days=3)],
        ),
        (EventCondition(name="A", window=Calendar(period="day")), {"A"}, [timedelta(), timedelta(hours=12) + TICK]),
        (Age(trait="born", op="ge", value=18), set(), []),
    ],
)  # fmt: skip
def test_sources_and_edges(leaf: Condition, names: set[str], expected: list[timedelta]) -> None:
    assert sources(leaf) == names
    assert [NOW - edge for edge in edges(leaf, NOW)] == expected


def test_what_moves_by_the_clock() -> None:
    age = Age(trait="born", op="ge", value=18)
    assert moves_with_time(age)
    assert moves_with_time(TraitCondition(trait="seen", op="gt", value=RelativeInstant(amount=1, unit="days")))
    assert not moves_with_time(TraitCondition(trait="plan", op="is", value="gold"))
    assert sources(Lookalike(id=1, percent=5)) is None
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)  # midnight in Auckland
    assert moved(age, noon - TICK, noon)
    assert not moved(age, noon, noon + timedelta(minutes=14))
