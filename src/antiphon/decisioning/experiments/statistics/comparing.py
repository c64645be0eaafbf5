"""One arm beside another: differences and ratios with intervals, at one look or at every look, plain or adjusted (CUPED)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec

from antiphon.decisioning.experiments.statistics.moments import Moments
from antiphon.decisioning.experiments.statistics.sequences import FEWEST, half_width, sequential_p
from antiphon.decisioning.experiments.statistics.special import normal_quantile, normal_tail, student_quantile, student_tail


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A difference's interval and the p-value of there being none."""

    low: float
    high: float
    p: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A difference to the first arm.

    `fixed` holds at one look, `sequential` at every look (None while fewer than a hundred people of an arm count). `relative` is
    the difference as a part of the first arm's value, its interval the delta method's, with the same level as `low` and `high`
    of the method in force. `theta` and `narrowed` (by which part the variance shrank) are of an adjusted one.
    """

    difference: float
    fixed: Interval
    sequential: Interval | None
    relative: float | None
    relative_fixed: Interval | None
    relative_sequential: Interval | None
    theta: float | None = None
    narrowed: float | None = None


def theta_of(arms: Sequence[Moments]) -> float:
    """How much of what was before is taken out, pooled over the arms: cov(y, x) / var(x).

    A. Deng, Y. Xu, R. Kohavi, T. Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment
    data", WSDM 2013, equation 4. Within arms, so that what the arms do does not enter.
    """
    under = sum((one.people - 1) * one.before_variance for one in arms if one.people > 1)
    return sum((one.people - 1) * one.covariance for one in arms if one.people > 1) / under if under > 0 else 0.0


def compare(
    first: Moments, other: Moments, *, alpha: float, rho2: float, share: bool = False, theta: float | None = None
) -> Estimate:
    """`other` less `first`, at level `alpha`. `share`: values are 0 or 1. `theta`: what was before is taken out so much.

    Both have people. Shares at one look have Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10) and
    the pooled test; everything else Welch's.
    """
    if theta is None:
        difference = other.value - first.value
        v0, v1 = first.unit_variance / first.people, other.unit_variance / other.people
    else:
        difference = (other.mean - first.mean) - theta * (other.before - first.before)
        v0, v1 = first.adjusted_variance(theta) / first.people, other.adjusted_variance(theta) / other.people
    if share and theta is None:
        fixed = _shares(first, other, alpha)
    else:
        fixed = _welch(difference, v0, v1, first.people, other.people, alpha)
    people, enough = first.people + other.people, min(first.people, other.people) >= FEWEST
    sequential = None
    if enough:
        variance = _careful(first, other) if share and theta is None else v0 + v1
        half = half_width(variance, people, alpha, rho2)
        sequential = Interval(low=difference - half, high=difference + half, p=sequential_p(difference, variance, people, rho2))
    base = first.value
    relative = None if base == 0 else difference / abs(base)
    relative_fixed = relative_sequential = None
    if relative is not None:
        spread = _relative_variance(first, base, relative, v0, v1, theta)
        half = normal_quantile(1 - alpha / 2) * sqrt(spread)
        relative_fixed = Interval(low=relative - half, high=relative + half, p=fixed.p)
        if sequential is not None:
            half = half_width(spread, people, alpha, rho2)
            relative_sequential = Interval(low=relative - half, high=relative + half, p=sequential.p)
    narrowed = None
    if theta is not None:
        plain = first.unit_variance / first.people + other.unit_variance / other.people
        narrowed = 1 - (v0 + v1) / plain if plain > 0 else 0.0
    return Estimate(
        difference=difference, fixed=fixed, sequential=sequential, relative=relative, relative_fixed=relative_fixed,
        relative_sequential=relative_sequential, theta=theta, narrowed=narrowed,
    )  # fmt: skip


def interval_of(one: Moments, *, alpha: float, share: bool) -> tuple[float, float]:
    """The interval of one arm's value, at one look."""
    if share:
        return _wilson(one.mean, one.people, alpha)
    half = _t(one.people - 1, alpha) * sqrt(one.unit_variance / one.people) if one.people > 1 else 0.0
    return one.value - half, one.value + half


def _relative_variance(first: Moments, base: float, relative: float, v0: float, v1: float, theta: float | None) -> float:
    """The delta method's variance of a difference over |the first arm's value|, which are not independent.

    With d = m1 - m0: d(rel) = dm1 / |m0| - (sign(m0) + rel) dm0 / |m0|; adjusted, m0 in the denominator stays as it was measured.
    """
    if theta is None:
        sign = 1.0 if base > 0 else -1.0
        return (v1 + v0 * (1 + sign * relative) ** 2) / (base * base)
    cov = (first.variance - theta * first.covariance) / first.people  # of the adjusted mean with the plain one
    sign = 1.0 if base > 0 else -1.0
    plain = first.variance / first.people
    return max(0.0, (v1 + v0 + 2 * sign * relative * cov + relative * relative * plain) / (base * base))


def _welch(difference: float, v0: float, v1: float, n0: int, n1: int, alpha: float) -> Interval:
    """Welch's interval, with Satterthwaite's degrees of freedom."""
    variance = v0 + v1
    if variance <= 0 or min(n0, n1) < 2:
        return Interval(low=difference, high=difference, p=1.0 if difference == 0 or min(n0, n1) < 2 else 0.0)
    degrees = variance * variance / (v0 * v0 / (n0 - 1) + v1 * v1 / (n1 - 1))
    half = _t(degrees, alpha) * sqrt(variance)
    return Interval(low=difference - half, high=difference + half, p=student_tail(degrees, difference / sqrt(variance)))


def _t(degrees: float, alpha: float) -> float:
    return student_quantile(degrees, 1 - alpha / 2)


def _shares(first: Moments, other: Moments, alpha: float) -> Interval:
    p0, p1 = first.mean, other.mean
    (l0, u0), (l1, u1) = _wilson(p0, first.people, alpha), _wilson(p1, other.people, alpha)
    pooled = (p0 * first.people + p1 * other.people) / (first.people + other.people)
    variance = pooled * (1 - pooled) * (1 / first.people + 1 / other.people)
    p = 1.0 if variance <= 0 else normal_tail((p1 - p0) / sqrt(variance))
    return Interval(
        low=p1 - p0 - sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2), high=p1 - p0 + sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2), p=p
    )


def _wilson(share: float, people: int, alpha: float) -> tuple[float, float]:
    """The score interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z2 = normal_quantile(1 - alpha / 2) ** 2
    middle = share + z2 / (2 * people)
    half = sqrt(z2) * sqrt(max(0.0, share * (1 - share) / people + z2 / (4 * people * people)))
    return max(0.0, (middle - half) / (1 + z2 / people)), min(1.0, (middle + half) / (1 + z2 / people))


def _careful(first: Moments, other: Moments) -> float:
    """The variance of a difference of shares that is not nought while a few, or all, have converted: one more yes and no an arm
    (A. Agresti, B. Caffo, The American Statistician 54, 2000)."""
    total = 0.0
    for one in (first, other):
        share = (one.mean * one.people + 1) / (one.people + 2)
        total += share * (1 - share) / (one.people + 2)
    return total
