"""The columns a rehearsal looks things up in, against loops; windows against the segments' own; budgets spent in time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, strategies as st

from antiphon.awareness.segments.windows import Ago, Calendar, Dates, Last, Span, bounds
from antiphon.execution.delivery.budgets import Budget
from antiphon.execution.delivery.rules.model import Rules
from antiphon.execution.journeys.contract import NEVER, Message
from antiphon.execution.journeys.rehearsal.behaviour import Likely, Recorded, delayed
from antiphon.execution.journeys.rehearsal.columns import Log, Stream, turns
from antiphon.execution.journeys.rehearsal.gate import DAY, Office, dispatch_of
from antiphon.execution.journeys.rehearsal.holding import spans
from antiphon.execution.journeys.rehearsal.reading import Rivals
from antiphon.foundation.postgres.binary import from_micros, micros

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEATS = 4
things = st.lists(st.tuples(st.integers(0, SEATS - 1), st.integers(-9, 30)), max_size=30)
asked = st.lists(st.tuples(st.integers(0, SEATS - 1), st.integers(-12, 33)), min_size=1, max_size=20)


def columns(rows: list[tuple[int, int]]) -> tuple[Any, Any]:
    found = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


@given(rows=things, questions=asked)
def test_a_stream_is_looked_up_as_a_loop_would(rows: list[tuple[int, int]], questions: list[tuple[int, int]]) -> None:
    stream = Stream(*columns(rows))
    seats, at = columns(questions)
    for after in (True, False):
        place = stream.place(seats, at, after=after)
        has = stream.of(seats, place)
        for n, (seat, when) in enumerate(questions):
            later = sorted(one for who, one in rows if who == seat and (one > when or (one == when and not after)))
            assert has[n] == bool(later)
            assert not later or stream.at[place[n]] == later[0]
    counted = stream.count(seats, at, at + 7)
    assert counted.tolist() == [sum(who == seat and when <= one < when + 7 for who, one in rows) for seat, when in questions]
    whole = stream.count(seats, None, None)
    assert whole.tolist() == [sum(who == seat for who, _ in rows) for seat, _ in questions]


@given(batches=st.lists(things, max_size=4), questions=asked)
def test_a_log_is_looked_up_as_a_loop_would(batches: list[list[tuple[int, int]]], questions: list[tuple[int, int]]) -> None:
    log = Log(SEATS, 2)
    rows = []
    for kind, batch in enumerate(batches):
        log.add(*columns(batch), kind)
        rows += [(seat, at, kind) for seat, at in batch]
    seats, at = columns(questions)
    wanted = np.array([True, False, True, False])
    soonest, _ = log.next(seats, at, wanted)
    owner, when, kinds = log.within(seats, at, at + 9)
    found = sorted(zip(owner.tolist(), when.tolist(), kinds.tolist(), strict=True))
    expected = []
    for n, (seat, since) in enumerate(questions):
        later = [one for who, one, kind in rows if who == seat and one > since and wanted[kind]]
        assert soonest[n] == min(later, default=NEVER)
        expected += [(n, one, kind) for who, one, kind in rows if who == seat and since < one < since + 9]
    assert found == sorted(expected)
    assert log.tally(seats, at, at + 9, 1).tolist() == [
        sum(who == seat and since <= one < since + 9 and kind == 1 for who, one, kind in rows) for seat, since in questions
    ]  # fmt: skip


@given(st.lists(st.integers(0, 5), max_size=30))
def test_turns_count_like_from_like(values: list[int]) -> None:
    assert turns(np.array(values, dtype=np.int64)).tolist() == [values[:n].count(one) for n, one in enumerate(values)]


WINDOWS = [
    None, Last(3, "days"), Ago(Span(60, "days"), Span(30, "days")), Ago(None, Span(2, "hours")), Ago(Span(5, "minutes")),
    Dates(NOW, NOW + timedelta(days=9)), Dates(None, NOW), Calendar("week", zone="America/New_York"), Calendar("month", "last"),
    Calendar("day", zone="Asia/Kathmandu"), Calendar("quarter", zone="Australia/Lord_Howe"),
]  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, ids=repr)
def test_windows_are_those_of_segments(window: Any) -> None:
    moments = [NOW + timedelta(hours=7 * n, microseconds=n) for n in range(-200, 200)]
    first, end = spans(window, np.array([micros(one) for one in moments]))
    for n, one in enumerate(moments):
        begin, until = bounds(window, one)
        assert first[n] == (-NEVER if begin is None else micros(begin))
        assert end[n] == min(micros(one) + 1, NEVER if until is None else micros(until))


def budget(amount: int, period: Any) -> Budget:
    return Budget(
        id=1, name="b", scope="everything", channel=None, account_id=None, campaign_id=None, period=period, zone="Asia/Tokyo",
        amount_micros=amount, warn_at=80, enabled=True, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def office(one: Budget, share: float = 1.0) -> Office:
    rules = Rules(version=1, zone=ZoneInfo("UTC"), quiet={}, windows={}, caps=(), suitability=(), kinds=())
    ctx: Any = SimpleNamespace(secret=b"tests")
    return Office(ctx, rules, [one], NOW, share)


def test_budgets_pay_the_earliest_first_day_by_day_where_they_are() -> None:
    dispatch = dispatch_of(Message(channel="sms"), "sms")
    start = micros(NOW)
    due = np.array([start + 5, start + 3, start + 4, start + DAY * 15 // 24, start + DAY * 15 // 24 - 1], dtype=np.int64)
    desk = office(budget(250, "day"))
    assert desk.afford(dispatch, 100, due).tolist() == [False, True, True, True, False]  # midnight in Tokyo is 15:00
    assert not desk.afford(dispatch, 100, due[:1]).any()
    desk.restart()
    assert desk.afford(dispatch, 100, due[:1]).all()
    assert office(budget(250, "total")).afford(dispatch, 100, due).sum() == 2
    assert office(budget(250, "total"), share=0.5).afford(dispatch, 100, due).sum() == 1, "a sample has its part"
    assert office(budget(0, "total")).afford(dispatch, 0, due).all(), "what costs nothing needs no budget"


def test_rivals_are_those_who_stand_at_the_instant() -> None:
    at = np.array
    rivals = Rivals(at([0, 0, 2]), at([10, 20, 5]), at([30, 25, NEVER]), at([4, 1, 7]))
    assert rivals(at([0, 0, 0, 0, 1, 2, 2]), at([9, 10, 22, 27, 15, 4, 99])).tolist() == [99, 4, 1, 4, 99, 99, 7]


def test_what_was_recorded_comes_first_and_in_order() -> None:
    none = np.zeros(2, dtype=np.int64)
    told = Recorded({(7, "hello"): [{"opened": 50}, {}]}, Likely(b"k", "n", none))
    who, due = np.array([7, 8]), np.array([10, 10])
    first = told.outcomes("email", "hello", none, who, none, due)
    assert first.recorded.tolist() == [True, False]
    assert (first.at["opened"].tolist(), first.at["delivered"].tolist()) == ([50, NEVER], [NEVER, 10])
    assert told.outcomes("email", "hello", none, who, none, due).at["opened"].tolist() == [NEVER, NEVER]
    assert told.outcomes("email", "hello", none, who, none, due).recorded.tolist() == [False, False]


def test_delays_follow_their_distribution() -> None:
    assert delayed(np.array([0.0, 10.0, 30.0]), np.array([0.0, 0.25, 0.5, 0.75])).tolist() == [1, 5_000_000, 10_000_000, 20_000_000]
    assert from_micros(0).year == 2000
