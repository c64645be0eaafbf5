"""The interval of a rehearsal has what comes true in it, nine times of ten: on truths that are known because they are made up."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyroaring import BitMap
from tests.execution.journeys_cast import step

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import Known
from antiphon.execution.delivery.gate.look import Facts
from antiphon.execution.delivery.rules.model import Rules
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Goal, ScheduleEntry
from antiphon.execution.journeys.rehearsal import rehearsing
from antiphon.execution.journeys.rehearsal.fitting import Fit, fit_converted, fit_often, fit_share
from antiphon.execution.journeys.rehearsal.gate import Gate, Office, Spoken
from antiphon.execution.journeys.rehearsal.holding import Trees
from antiphon.execution.journeys.rehearsal.listing import listing_of
from antiphon.execution.journeys.rehearsal.model import ExpectedConversions, RehearsalAsked
from antiphon.execution.journeys.rehearsal.past import nothing
from antiphon.execution.journeys.rehearsal.reporting import expected
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.foundation.postgres.binary import Packed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE, RUNS, LOOKED, WAIT = 400, 200, 90, 6
DELAYS = np.linspace(60, 2 * 86_400, 21)
PLAN = Plan(0, 1, Definition(
    start="hello", goal=Goal(event=EventMatch(event="Bought")),
    entries=[ScheduleEntry(segment_id=1, start=datetime(2026, 6, 1, 9), zone="UTC")],
    steps=[
        step("hello", "message", {"next": "rest"}, channel="email", topic="news", usual_path=False,
             content={"subject": "Hello", "text": "Hello"}),
        step("rest", "wait", seconds=WAIT * 86_400),
    ],
), installed())  # fmt: skip


class Truth:
    """How people really are, and what they did in the past and will do."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.opens = rng.beta(*rng.uniform(1, 6, 2), PEOPLE)
        self.buys_by_it = rng.uniform(0.05, 0.4)
        self.buys = rng.gamma(rng.uniform(0.3, 3), rng.uniform(0.001, 0.02), PEOPLE)

    def fitted(self) -> Fit:
        """What their past tells of them."""
        rng, everybody = self.rng, np.arange(1, PEOPLE + 1)
        told = rng.poisson(6, PEOPLE)
        opened = rng.binomial(told, self.opens)
        level = rng.integers(0, 3, PEOPLE)
        by_chance = 1 - np.exp(-float(self.buys.mean()) * 7)
        bought = rng.binomial(opened.sum(), self.buys_by_it + (1 - self.buys_by_it) * by_chance)
        left = int((told - opened).sum())
        fit = Fit(everybody, level)
        fit.shares["email", "opened"] = fit_share(opened.astype(float), told.astype(float), level, np.array([1.0, 60.0]))
        fit.shares["email", "converted"] = fit_converted(
            int(opened.sum()), int(bought), left, int(rng.binomial(left, by_chance)), PEOPLE, DELAYS
        )
        fit.often["Bought"] = fit_often(rng.poisson(self.buys * LOOKED).astype(float), LOOKED)
        return fit

    def comes_true(self) -> int:
        """How many reach the goal."""
        rng = self.rng
        by_it = (rng.random(PEOPLE) < self.opens) & (rng.random(PEOPLE) < self.buys_by_it)
        return int((by_it | (rng.poisson(self.buys * WAIT) > 0)).sum())


def setting(fit: Fit, seed: int) -> tuple[rehearsing.Setting, Scene]:
    """A rehearsal of people nobody has in a table."""
    ctx: Any = SimpleNamespace(secret=b"tests", settings=None)
    trees = Trees(ctx, Known({}, {}, False), NOW)
    trees._sets["segment 1"] = BitMap(range(1, PEOPLE + 1))
    rules = Rules(version=1, zone=ZoneInfo("UTC"), quiet={}, windows={}, caps=(), suitability=(), kinds=())
    office = Office(ctx, rules, [], NOW)
    office._prices["email", None] = 0
    listing = listing_of(PLAN, trees, NOW, NOW)
    one = rehearsing.Setting(
        ctx=ctx, plan=PLAN, asked=RehearsalAsked(mode="forward", days=10, seed=seed, draws=10), now=NOW, since=NOW,
        until=NOW + timedelta(days=10), ids=fit.ids, population=PEOPLE, trees=trees, office=office, listing=listing, fit=fit,
        answers={}, recorded={}, paid=False, answered=frozenset(),
    )  # fmt: skip
    none, many = np.empty(0, dtype=np.int64), np.full(PEOPLE, 3)
    gate = Gate(office, fit.ids, Spoken(none, none, [], none))
    gate._facts["email", "marketing", "news"] = Facts(
        person=fit.ids, address=Packed(b""), reach=many, blocked=many * 0, consent=many // 3, zone=[None] * PEOPLE, twice=many < 0
    )  # fmt: skip
    return one, Scene(ctx, fit.ids, nothing(listing.wanted), gate, trees)


async def interval(fit: Fit, seed: int, monkeypatch: pytest.MonkeyPatch) -> ExpectedConversions:
    one, scene = setting(fit, seed)

    async def prepared(*_: Any) -> Scene:
        return scene

    async def done(_: int) -> None: ...

    monkeypatch.setattr(rehearsing, "_scene", prepared)
    drawn, people = await rehearsing._draws(one, done)
    return expected(0, PEOPLE, drawn, people, PEOPLE, replayed=False)


async def test_nine_times_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    covered, wide = 0, []
    began = time.perf_counter()
    for run in range(RUNS):
        truth = Truth(np.random.default_rng([2026, run]))
        found = await interval(truth.fitted(), run, monkeypatch)
        covered += found.low <= truth.comes_true() <= found.high
        wide.append(found.high - found.low)
    print(covered / RUNS, np.mean(wide), time.perf_counter() - began)
    assert 0.85 <= covered / RUNS <= 0.95
    assert np.mean(wide) < PEOPLE / 4, "an interval that says something"


def test_a_sample_knows_less_than_everybody() -> None:
    drawn = [50, 55, 45, 52, 48, 51, 49, 53]
    whole = expected(0, 1000, drawn, 1000, 1000, replayed=False)
    assert whole.mean == pytest.approx(50.4, abs=0.1)
    grown = expected(0, 100_000, drawn, 1000, 100_000, replayed=False)
    assert grown.mean == pytest.approx(100 * whole.mean, rel=1e-3)
    assert (grown.high - grown.low) / grown.mean <= (whole.high - whole.low) / whole.mean
    unsure = expected(0, 100_000, [20, 80, 35, 65, 50, 90, 10, 50], 1000, 100_000, replayed=False)
    assert unsure.high - unsure.low > 3 * (grown.high - grown.low)
    replayed = expected(0, 1000, drawn, 1000, 1000, replayed=True)
    assert replayed.high - replayed.low > whole.high - whole.low
    assert expected(7, 10, [], 0, 10, replayed=True) == ExpectedConversions(mean=7, low=7, high=7, share=0.7, draws=0)
