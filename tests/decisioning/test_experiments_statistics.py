"""The statistics of experiments against independent formulae, published figures, and simulated truth."""

from __future__ import annotations

import subprocess
import sys
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp

from antiphon.decisioning.experiments.statistics import (
    Moments,
    check_ratio,
    compare,
    half_width,
    interval_of,
    sequential_p,
    size_of_means,
    size_of_shares,
    theta_of,
    tuned_for,
)

ALPHA = 0.05
RHO2 = tuned_for(10_000, ALPHA)
Values = NDArray[np.float64]


def moments(y: Values, x: Values | None = None, d: Values | None = None) -> Moments:
    before = np.zeros_like(y) if x is None else x
    under = np.ones_like(y) if d is None else d
    return Moments(
        people=len(y), mean=y.mean(), variance=y.var(ddof=1), before=before.mean(), before_variance=before.var(ddof=1),
        covariance=float(np.cov(y, before)[0, 1]), under=under.mean(), under_variance=under.var(ddof=1),
        under_covariance=float(np.cov(y, under)[0, 1]),
    )  # fmt: skip


def share(yes: int, of: int) -> Moments:
    p = yes / of
    return Moments(people=of, mean=p, variance=p * (1 - p) * of / (of - 1))


# --- one look ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(5, 400), st.integers(5, 400), st.floats(0.1, 20))
def test_a_difference_of_means_is_welchs(seed: int, n0: int, n1: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(3, 1, n0), rng.normal(3.2, spread, n1)
    found = compare(moments(a), moments(b), alpha=ALPHA, rho2=RHO2).fixed
    theirs = stats.ttest_ind(b, a, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((low, high, theirs.pvalue), rel=1e-6, abs=1e-9)


def test_a_difference_of_shares_is_newcombes() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 has 0.0524 to 0.3339, 9/10 - 3/10 has 0.1705 to 0.8090."""
    found = compare(share(48, 80), share(56, 70), alpha=ALPHA, rho2=RHO2, share=True).fixed
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    found = compare(share(3, 10), share(9, 10), alpha=ALPHA, rho2=RHO2, share=True).fixed
    assert (round(found.low, 4), round(found.high, 4)) == (0.1705, 0.8090)


@given(st.integers(20, 5000), st.integers(20, 5000), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_the_test_of_shares_is_the_pooled_chi_square(n0: int, n1: int, p0: float, p1: float) -> None:
    yes0, yes1 = max(1, int(n0 * p0)), max(1, int(n1 * p1))
    found = compare(share(yes0, n0), share(yes1, n1), alpha=ALPHA, rho2=RHO2, share=True).fixed
    table = [[yes0, n0 - yes0], [yes1, n1 - yes1]]
    assert found.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-4, abs=1e-12)


@given(st.integers(1, 400), st.integers(0, 400))
def test_one_share_has_wilsons_interval(of: int, yes: int) -> None:
    yes = min(yes, of)
    theirs = stats.binomtest(yes, of).proportion_ci(0.95, method="wilson")
    one = Moments(people=of, mean=yes / of)
    assert interval_of(one, alpha=ALPHA, share=True) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_one_mean_has_students_interval() -> None:
    y = np.random.default_rng(1).exponential(2, 50)
    theirs = stats.ttest_1samp(y, 0).confidence_interval(0.95)
    assert interval_of(moments(y), alpha=ALPHA, share=False) == pytest.approx((theirs.low, theirs.high))


def test_nobody_converted_and_everybody_did() -> None:
    for yes in (0, 200):
        found = compare(share(yes, 200), share(yes, 200), alpha=ALPHA, rho2=RHO2, share=True)
        assert found.fixed.p == 1.0 and found.fixed.low < 0 < found.fixed.high
        assert found.sequential is not None and found.sequential.low < 0 < found.sequential.high
    assert compare(share(0, 200), share(1, 200), alpha=ALPHA, rho2=RHO2, share=True).relative is None


# --- every look -------------------------------------------------------------------------------------------------------


@given(st.floats(-3, 3), st.floats(1e-6, 1), st.integers(2, 10**7), st.floats(0.001, 0.2))
def test_the_sequence_leaves_zero_out_exactly_when_its_p_is_below_alpha(estimate: float, variance: float, people: int, alpha: float) -> None:
    rho2 = tuned_for(10_000, alpha)
    outside = abs(estimate) - half_width(variance, people, alpha, rho2)
    p = sequential_p(estimate, variance, people, rho2)
    assert abs(outside) < 1e-9 or (outside > 0) == (p < alpha)


def test_the_likelihood_ratio_is_the_mixtures() -> None:
    """Against the integral itself, by quadrature: of normal likelihood ratios with effects drawn around zero."""
    n, sigma2, mean = 500, 1.7, 0.21
    tau2 = RHO2 * sigma2
    grid = np.linspace(-8, 8, 200_001) * sqrt(tau2)
    logs = (grid * mean * n - grid**2 * n / 2) / sigma2 + stats.norm.logpdf(grid, scale=sqrt(tau2))
    ratio = logsumexp(logs) + log(grid[1] - grid[0])
    assert -log(sequential_p(mean, sigma2 / n, n, RHO2)) == pytest.approx(ratio, rel=1e-4)


def test_it_is_narrowest_about_where_it_was_tuned() -> None:
    """The width at n, times sqrt(n), is at its least near the n it was tuned for."""
    at = [10**k for k in range(2, 8)]
    relative = {n: half_width(1 / 10_000, 10_000, ALPHA, tuned_for(n, ALPHA)) for n in at}
    assert min(relative, key=lambda n: relative[n]) == 10_000


def rejected(looks: NDArray[np.int64], a: Values, b: Values, rho2: float, binary: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Over rows of simulated arms: whether any look leaves zero out, for the sequence and for intervals of one look."""
    sums = [np.cumsum(arm, axis=1)[:, looks - 1] for arm in (a, b)]
    squares = [np.cumsum(arm * arm, axis=1)[:, looks - 1] for arm in (a, b)]
    means = [s / looks for s in sums]
    if binary:
        p = [(s + 1) / (looks + 2) for s in sums]
        variance = sum(q * (1 - q) / (looks + 2) for q in p)
    else:
        variance = sum((q / looks - m * m) / (looks - 1) for q, m in zip(squares, means, strict=True))
    difference = np.abs(means[1] - means[0])
    n = 2 * looks
    width = np.sqrt(variance * (n * rho2 + 1) / (n * rho2) * np.log((n * rho2 + 1) / ALPHA**2))
    return (difference > width).any(axis=1), (difference > 1.96 * np.sqrt(variance)).any(axis=1)


@pytest.mark.parametrize("kind", ["normal", "spend", "share"])
def test_looking_a_hundred_times_calls_no_more_than_alpha(kind: str) -> None:
    """Nothing differs; each of 1,500 experiments is looked at a hundred times, as people come in."""
    rng = np.random.default_rng(7)
    runs, most = 1500, 4000
    looks = np.linspace(100, most, 100).astype(np.int64)
    called = peeked = 0
    for _ in range(15):
        if kind == "normal":
            a, b = (rng.normal(1, 2, (runs // 15, most)) for _ in range(2))
        elif kind == "spend":
            a, b = ((rng.random((runs // 15, most)) < 0.2) * rng.exponential(50, (runs // 15, most)) for _ in range(2))
        else:
            a, b = ((rng.random((runs // 15, most)) < 0.03).astype(np.float64) for _ in range(2))
        always, once = rejected(looks, a, b, RHO2, kind == "share")
        called, peeked = called + int(always.sum()), peeked + int(once.sum())
    assert called / runs <= ALPHA
    assert peeked / runs > 3 * ALPHA, "intervals of one look do not stand this, so the simulation can tell"


def test_the_simulation_uses_the_houses_width() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1, 700), rng.normal(0.1, 1, 700)
    found = compare(moments(a), moments(b), alpha=ALPHA, rho2=RHO2).sequential
    assert found is not None
    variance, n = a.var(ddof=1) / 700 + b.var(ddof=1) / 700, 1400
    width = sqrt(variance * (n * RHO2 + 1) / (n * RHO2) * log((n * RHO2 + 1) / ALPHA**2))
    assert (found.high - found.low) / 2 == pytest.approx(width)


def test_the_truth_stays_inside_at_every_look() -> None:
    rng = np.random.default_rng(11)
    looks = np.linspace(100, 3000, 100).astype(np.int64)
    a, b = rng.normal(1, 2, (400, 3000)), rng.normal(1.3, 2, (400, 3000)) - 0.3
    outside, _ = rejected(looks, a, b, RHO2, False)
    assert outside.mean() <= ALPHA


# --- what was known before --------------------------------------------------------------------------------------------


def test_what_was_before_narrows_and_does_not_bend() -> None:
    """300 experiments with a true difference of 0.5, what was before telling much: unbiased, narrower, and as sure as it says."""
    rng = np.random.default_rng(5)
    plain, adjusted, widths, inside = [], [], [], 0
    for _ in range(300):
        x = rng.gamma(2, 2, 2000)
        y = 1 + 0.8 * x + rng.normal(0, 1, 2000)
        arm = rng.random(2000) < 0.5
        y[arm] += 0.5
        first, other = moments(y[~arm], x[~arm]), moments(y[arm], x[arm])
        theta = theta_of([first, other])
        one, two = (compare(first, other, alpha=ALPHA, rho2=RHO2, theta=t) for t in (None, theta))
        plain.append(one.difference)
        adjusted.append(two.difference)
        widths.append((two.fixed.high - two.fixed.low) / (one.fixed.high - one.fixed.low))
        inside += two.fixed.low <= 0.5 <= two.fixed.high
    assert abs(np.mean(adjusted) - 0.5) < 4 * np.std(adjusted) / sqrt(300)
    rho = 0.8 * sqrt(8) / sqrt(0.64 * 8 + 1)
    assert np.mean(widths) == pytest.approx(sqrt(1 - rho**2), rel=0.03)
    assert np.std(adjusted) < 0.6 * np.std(plain)
    assert 0.92 <= inside / 300 <= 0.98


def test_what_tells_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    y = rng.normal(0, 1, (2, 500))
    first, other = moments(y[0]), moments(y[1])
    assert theta_of([first, other]) == 0.0
    one, two = compare(first, other, alpha=ALPHA, rho2=RHO2), compare(first, other, alpha=ALPHA, rho2=RHO2, theta=0.0)
    assert (one.fixed, one.sequential) == (two.fixed, two.sequential) and two.narrowed == pytest.approx(0)


# --- ratios -----------------------------------------------------------------------------------------------------------


def test_a_mean_over_events_has_the_delta_methods_variance() -> None:
    """Against the bootstrap over people: events of one person hang together, so events are no sample."""
    rng = np.random.default_rng(8)
    d = rng.poisson(2, 4000).astype(np.float64)
    y = d * rng.normal(30, 8, 4000)
    one = moments(y, d=d)
    picks = rng.integers(0, 4000, (800, 4000))
    draws = y[picks].sum(axis=1) / d[picks].sum(axis=1)
    assert one.value == pytest.approx(y.sum() / d.sum())
    assert sqrt(one.unit_variance / 4000) == pytest.approx(draws.std(), rel=0.08)


def test_relative_differences_cover_the_truth() -> None:
    rng = np.random.default_rng(9)
    inside = {None: 0, "x": 0}
    for _ in range(300):
        x = rng.normal(5, 1, 3000)
        y = x + rng.normal(0, 1, 3000)
        arm = rng.random(3000) < 0.5
        y[arm] *= 1.05
        first, other = moments(y[~arm], x[~arm]), moments(y[arm], x[arm])
        for name, theta in ((None, None), ("x", theta_of([first, other]))):
            found = compare(first, other, alpha=ALPHA, rho2=RHO2, theta=theta).relative_fixed
            assert found is not None
            inside[name] += found.low <= 0.05 <= found.high
    assert all(0.915 <= n / 300 <= 0.985 for n in inside.values())


# --- who came into which arm ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=5), st.data())
def test_the_ratio_check_is_pearsons(found: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0.2, 5), min_size=len(found), max_size=len(found)))
    check = check_ratio(found, weights)
    if sum(found):
        theirs = stats.chisquare(found, np.array(weights) / sum(weights) * sum(found))
        assert (check.chi_square, check.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-6, abs=1e-12)
    else:
        assert (check.p, check.alarm) == (1.0, False)


def test_a_published_mismatch_alarms_and_hillstroms_arms_do_not() -> None:
    """821,588 and 815,482 of a 50/50 split: Kohavi, Tang, Xu, "Trustworthy online controlled experiments", 2020, chapter 3."""
    check = check_ratio([821_588, 815_482], [1, 1])
    assert check.p == pytest.approx(1.8e-6, rel=0.1) and check.alarm
    assert not check_ratio([21_307, 21_387, 21_306], [1, 1, 1]).alarm


def test_watching_the_ratio_all_along_alarms_nearly_never() -> None:
    """2,000 sound experiments of 20,000 people, looked at after each hundred: at most 0.1 % may alarm (here: 2 of them, 99.5 % sure)."""
    rng = np.random.default_rng(12)
    alarms = late = 0
    for _ in range(2000):
        first = np.cumsum(rng.binomial(100, 0.3, 200))
        sizes = np.arange(100, 20_001, 100)
        checks = [check_ratio([int(n), int(size - n)], [3, 7]) for n, size in zip(first[::10], sizes[::10], strict=True)]
        alarms += any(check.alarm for check in checks)
        late += any(check.p < 0.001 for check in checks)
    assert alarms <= 6 and alarms <= late


# --- how many people --------------------------------------------------------------------------------------------------


def plan(baseline: float, difference: float, power: float, **more: float) -> int:
    return size_of_shares(baseline, difference, power=power, alpha=ALPHA, arms=2, per_day=None, **more).fixed


def test_sizes_of_shares_are_the_published_ones() -> None:
    """R's power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7 (its help page); with power .80, 57.67."""
    assert plan(0.5, 0.25, 0.9) == 77
    assert plan(0.5, 0.25, 0.8) == 58


def test_sizes_of_means_are_the_textbooks() -> None:
    """16 sigma^2 / delta^2 at 80 % (van Belle, "Statistical rules of thumb", 2.1): 15.7 to be exact."""
    assert size_of_means(1, 0.1, power=0.8, alpha=ALPHA, arms=2, per_day=None).fixed == 1570
    assert size_of_means(1, 0.1, power=0.8, alpha=ALPHA, arms=2, per_day=None, correlation=0.6).fixed == pytest.approx(1570 * 0.64, abs=1)


def test_days_and_arms() -> None:
    two = size_of_means(1, 0.1, power=0.8, alpha=ALPHA, arms=2, per_day=300)
    four = size_of_means(1, 0.1, power=0.8, alpha=ALPHA, arms=4, per_day=300)
    assert (two.people_fixed, two.days_fixed) == (3140, 11)
    assert four.fixed > two.fixed and four.people_fixed == 4 * four.fixed
    assert two.sequential > two.fixed and two.days_sequential is not None and two.days_sequential > 11


def test_the_planned_size_has_the_power() -> None:
    """Simulated: of experiments of the size planned, 80 % see the difference, at one look and in the sequence tuned for it."""
    rng = np.random.default_rng(13)
    made = size_of_shares(0.1, 0.03, power=0.8, alpha=ALPHA, arms=2, per_day=None)
    for n, sequential in ((made.fixed, False), (made.sequential, True)):
        yes = rng.binomial(n, [[0.1], [0.13]], (2, 1500))
        seen = 0
        for first, other in yes.T.tolist():
            found = compare(share(first, n), share(other, n), alpha=ALPHA, rho2=tuned_for(2 * n, ALPHA), share=True)
            one = found.sequential if sequential else found.fixed
            assert one is not None
            seen += one.p < ALPHA
        assert 0.765 <= seen / 1500 <= 0.84


@given(st.floats(0.01, 0.5), st.floats(0.005, 0.3), st.floats(0.5, 0.99))
def test_smaller_differences_need_more_people(baseline: float, difference: float, power: float) -> None:
    assert plan(baseline, difference, power) >= plan(baseline, difference * 1.5, power)


def test_processes_that_ask_for_no_figures_do_not_carry_scipy() -> None:
    code = "import sys; from antiphon.app import all_rooms; all_rooms(); sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
