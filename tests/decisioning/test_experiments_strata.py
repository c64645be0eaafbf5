"""Figures that use the strata: against independent formulae, simulated truth, and a plain reading of a dealt experiment."""

from __future__ import annotations

import random
from datetime import timedelta
from math import sqrt
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from tests.awareness.test_traits_computed import happen, people
from tests.decisioning.test_experiments_results import DESIGN, METRICS, Rows, begin, life, measured, show, with_plan

from antiphon.decisioning.experiments import watching
from antiphon.decisioning.experiments.design import Arm, Design, TraitStrata
from antiphon.decisioning.experiments.measuring import Counted
from antiphon.decisioning.experiments.metrics import ConversionMetric, SumMetric
from antiphon.decisioning.experiments.results import Comparison, metrics_of
from antiphon.decisioning.experiments.statistics import Moments, combined, post_stratified, theta_of, usable
from antiphon.decisioning.experiments.statistics.strata import FEWEST
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

Values = NDArray[np.float64]


def moments(y: Values, x: Values | None = None) -> Moments:
    if len(y) < 2:
        return Moments(people=len(y), mean=float(y.sum()), before=0.0 if x is None else float(x.sum()))
    before = np.zeros_like(y) if x is None else x
    return Moments(
        people=len(y), mean=float(y.mean()), variance=float(y.var(ddof=1)), before=float(before.mean()),
        before_variance=float(before.var(ddof=1)), covariance=float(np.cov(y, before)[0, 1]),
    )  # fmt: skip


@given(st.lists(st.lists(st.floats(-100, 100), max_size=12), min_size=1, max_size=5), st.integers(0, 99))
def test_sets_put_together_are_the_whole(sets: list[list[float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [np.array(one, dtype=np.float64) for one in sets]
    befores = [rng.normal(size=len(one)) + one for one in parts]
    found = combined([moments(y, x) for y, x in zip(parts, befores, strict=True)])
    whole = moments(np.concatenate(parts), np.concatenate(befores))
    assert found.people == whole.people
    if whole.people >= 2:
        for name in ("mean", "variance", "before", "before_variance", "covariance"):
            assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8))
def test_strata_that_are_used_have_people_enough_and_nobody_is_lost(sizes: list[tuple[int, int]]) -> None:
    strata = [[Moments(people=a), Moments(people=b)] for a, b in sizes]
    found = usable(strata)
    assert sum(arm.people for one in found for arm in one) == sum(a + b for a, b in sizes)
    assert len(found) < 2 or all(arm.people >= FEWEST for one in found for arm in one)
    assert usable([[msgspec.structs.replace(arm, mean=9.0) for arm in one] for one in strata])[:1] != [] or not sum(map(sum, sizes))


def test_it_is_the_published_formula() -> None:
    rng = np.random.default_rng(3)
    a = [rng.normal(k, 1, 30 + 5 * k) for k in range(3)]
    b = [rng.normal(k + 0.3, 1, 40 - 5 * k) for k in range(3)]
    strata = [[moments(y0), moments(y1)] for y0, y1 in zip(a, b, strict=True)]
    found = post_stratified(strata)
    assert found is not None
    n = [len(y0) + len(y1) for y0, y1 in zip(a, b, strict=True)]
    for arm, one in zip((a, b), found, strict=True):
        assert one.mean == pytest.approx(sum(k * y.mean() for k, y in zip(n, arm, strict=True)) / sum(n))
        wanted = sum((k / sum(n)) ** 2 * y.var(ddof=1) / len(y) for k, y in zip(n, arm, strict=True))
        assert one.variance / one.people == pytest.approx(wanted)


def compared(strata: list[list[Moments]], *, share: bool = False, before: bool = False, planned: int | None = None) -> tuple[Comparison, Comparison]:
    """One arm beside the other, with the strata and without."""
    kind: Any = ConversionMetric if share else SumMetric
    more = {} if share else {"property": "x"}
    metric = kind(name="m", event="e", before_days=7 if before else 0, **more)
    design = Design(name="d", arms=[Arm(key="a"), Arm(key="b")], metrics=[metric], method="fixed", planned=planned)

    def counted(one: Moments) -> Counted:
        return Counted(people=one.people, crossed=0, first=None, last=None, metrics=(one,))

    arms = {n: counted(combined([one[n] for one in strata])) for n in range(2)}
    layers = [{n: counted(one[n]) for n in range(2)} for one in strata]
    (apart,), (plain,) = metrics_of(design, arms, layers), metrics_of(design, arms)
    return apart.others[0], plain.others[0]


LEVELS, SHARES, EFFECTS = np.array([0.0, 2.0, 5.0, 9.0]), np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.5, 0.3, 1.5])


def drawn(rng: np.random.Generator, size: int, *, share: bool = False, null: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64], Values]:
    """People as they come: stratum, arm by hash, and what they do, by both."""
    stratum = rng.choice(4, size, p=SHARES)
    arm = rng.integers(0, 2, size)
    if share:
        chance = np.array([0.02, 0.1, 0.3, 0.7])[stratum] + (0 if null else 1) * arm * np.array([0.02, 0.0, 0.1, 0.05])[stratum]
        return stratum, arm, (rng.random(size) < chance).astype(np.float64)
    return stratum, arm, LEVELS[stratum] + (0 if null else 1) * arm * EFFECTS[stratum] + rng.normal(0, 1, size)


def layered(stratum: NDArray[np.int64], arm: NDArray[np.int64], y: Values, x: Values | None = None) -> list[list[Moments]]:
    return [
        [moments(y[(stratum == s) & (arm == a)], None if x is None else x[(stratum == s) & (arm == a)]) for a in range(2)]
        for s in range(4)
    ]


@pytest.mark.parametrize(("share", "size", "truth", "narrower"), [
    (False, 400, float((SHARES * EFFECTS).sum()), 0.6), (True, 800, 0.4 * 0.02 + 0.2 * 0.1 + 0.1 * 0.05, 0.1),
])  # fmt: skip
def test_on_simulated_truth_intervals_hold_and_are_narrower(share: bool, size: int, truth: float, narrower: float) -> None:
    """Effects that differ by stratum, parts of strata that chance gives: the truth is everybody's, not this sample's."""
    rng = np.random.default_rng(17)
    inside = plainly = 0
    estimates, widths, plain_widths = [], [], []
    for _ in range(500):
        found, plain = compared(layered(*drawn(rng, size, share=share)), share=share)
        estimates.append(found.difference)
        inside += found.fixed.low <= truth <= found.fixed.high
        plainly += plain.fixed.low <= truth <= plain.fixed.high
        widths.append(found.fixed.high - found.fixed.low)
        plain_widths.append(plain.fixed.high - plain.fixed.low)
        assert found.strata is not None and found.strata >= 2 and found.plain == pytest.approx(plain.difference)
    assert 0.92 <= inside / 500 <= 0.98 and 0.92 <= plainly / 500 <= 0.98
    assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates) / sqrt(500), "unbiased"
    assert np.mean(widths) < (1 - narrower) * np.mean(plain_widths)
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(estimates), rel=0.12), "no wider than they must be"


def test_what_was_before_and_strata_together() -> None:
    rng = np.random.default_rng(5)
    inside, widths, apart = 0, [], []
    for _ in range(300):
        stratum, arm, y = drawn(rng, 400)
        x = LEVELS[stratum] + rng.normal(0, 1, 400)
        y = y + 0.8 * (x - LEVELS[stratum])
        strata = layered(stratum, arm, y, x)
        found, _ = compared(strata, before=True)
        only, _ = compared(layered(stratum, arm, y))
        inside += found.fixed.low <= float((SHARES * EFFECTS).sum()) <= found.fixed.high
        widths.append(found.fixed.high - found.fixed.low)
        apart.append(only.fixed.high - only.fixed.low)
        assert found.theta == pytest.approx(theta_of([one for layer in usable(strata) for one in layer]))
        assert found.narrowed is not None and only.narrowed is not None and found.narrowed > only.narrowed > 0.3
    assert 0.91 <= inside / 300 <= 0.985
    assert np.mean(widths) < 0.9 * np.mean(apart)


def test_strata_that_say_nothing_cost_nothing() -> None:
    rng = np.random.default_rng(8)
    ratios = []
    for _ in range(200):
        stratum, arm, _ = drawn(rng, 600)
        found, plain = compared(layered(stratum, arm, rng.normal(0, 1, 600)))
        ratios.append((found.fixed.high - found.fixed.low) / (plain.fixed.high - plain.fixed.low))
    assert 0.97 < np.mean(ratios) < 1.03


@pytest.mark.parametrize("share", [True, False])
def test_looking_again_and_again_calls_no_more_than_alpha(share: bool) -> None:
    """Where nothing is: at fifteen looks of a hundred experiments hardly any leaves zero out, as wide as that may be."""
    rng = np.random.default_rng(23)
    called = 0
    for _ in range(100):
        stratum, arm, y = drawn(rng, 4_000, share=share, null=True)
        for look in np.geomspace(250, 4_000, 15).astype(int):
            found, _ = compared(layered(stratum[:look], arm[:look], y[:look]), share=share)
            if found.sequential is not None and not found.sequential.low <= 0 <= found.sequential.high:
                called += 1
                break
    assert called <= 10, "five in a hundred, and what chance adds to that"


def test_nobody_converted_is_no_certainty() -> None:
    strata = [[moments(np.zeros(60)), moments(np.zeros(60))] for _ in range(3)]
    found, _ = compared(strata, share=True)
    assert found.fixed.low < 0 < found.fixed.high and found.sequential is not None and found.sequential.low < 0 < found.sequential.high
    assert post_stratified(strata[:1]) is None


@pytest.mark.store
async def test_a_dealt_experiment_is_read_by_its_strata(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    """Those who came after the deal are a stratum of their own; the figures are those of a plain reading."""
    rng = random.Random(11)
    ids = await people(ctx, 280)
    plans = await with_plan(ctx, ids)
    design = msgspec.structs.replace(DESIGN, arms=DESIGN.arms[:2], strata=TraitStrata(trait="plan"))
    one = await begin(ctx, design)
    assert one.dealt
    late = await people(ctx, 60)
    ids += late
    at = clock.now()
    exposed = await show(ctx, ids)
    events: Rows = [*life(ids, rng, at, 70), *[(person, "Order", at, {"total": 500}) for person in ids if plans.get(person) == "gold"]]
    clock.advance(timedelta(hours=90))
    await happen(ctx, events)
    found = await watching.measure(ctx, one)
    spend = METRICS[3]
    by_person: dict[int, Rows] = {person: [row for row in events if row[0] == person] for person in ids}
    value = {person: measured(spend, by_person[person], at)[0] for person in ids}
    layer = {person: "later" if person in late else plans[person] or "" for person in ids}
    sets = {name: [person for person in ids if layer[person] == name] for name in sorted(set(layer.values()))}
    strata = [[moments(np.array([value[p] for p in some if exposed[p] == arm])) for arm in range(2)] for some in sets.values()]
    adjusted = post_stratified(strata)
    assert adjusted is not None
    (beside,) = found.metrics[3].others
    assert beside.strata == 5 and beside.plain is not None
    assert beside.narrowed is not None and beside.narrowed > 0.3
    plainly = [np.mean([value[p] for p in ids if exposed[p] == arm]) for arm in range(2)]
    assert beside.plain == pytest.approx(plainly[1] - plainly[0])
    assert [one.value for one in found.metrics[3].arms] == pytest.approx(plainly), "an arm's value is what it was"
    conversions, _ = compared([[combined([m]) for m in layer_] for layer_ in strata])
    assert conversions.difference == pytest.approx(adjusted[1].mean - adjusted[0].mean)
