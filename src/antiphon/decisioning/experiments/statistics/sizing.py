"""How many people a difference needs before it can be seen, and how long they take to come."""

from __future__ import annotations

from math import ceil, inf, sqrt

import msgspec

from antiphon.decisioning.experiments.statistics.sequences import FEWEST, half_width, tuned_for
from antiphon.decisioning.experiments.statistics.special import normal_quantile

MOST = 10_000_000_000
"""What nobody has so many people, or days, for is said to need so many."""


class SizePlan(msgspec.Struct, frozen=True, kw_only=True):
    """People an arm for one look at the end (`fixed`), and for looking at any time (`sequential`), which costs more at most but
    ends sooner when the difference is larger than asked; all arms together; and days at the traffic given."""

    fixed: int
    sequential: int
    people_fixed: int
    people_sequential: int
    days_fixed: int | None
    days_sequential: int | None


def size_of_shares(
    baseline: float, difference: float, *, power: float, alpha: float, arms: int, per_day: float | None, correlation: float = 0.0
) -> SizePlan:
    """For a share that is `baseline` and may become `baseline + difference`.

    The normal approximation with the pooled variance under no difference (J. L. Fleiss, "Statistical methods for rates and
    proportions", 2nd edition, equation 3.14, without continuity correction).
    """
    other = baseline + difference
    middle = (baseline + other) / 2
    return _plan(
        difference, sqrt(2 * middle * (1 - middle)), sqrt(baseline * (1 - baseline) + other * (1 - other)), power=power,
        alpha=alpha, arms=arms, per_day=per_day, correlation=correlation,
    )  # fmt: skip


def size_of_means(
    deviation: float, difference: float, *, power: float, alpha: float, arms: int, per_day: float | None, correlation: float = 0.0
) -> SizePlan:
    """For a mean of values with this standard deviation."""
    spread = sqrt(2) * deviation
    return _plan(difference, spread, spread, power=power, alpha=alpha, arms=arms, per_day=per_day, correlation=correlation)


def _plan(
    difference: float, under_none: float, under_it: float, *, power: float, alpha: float, arms: int, per_day: float | None,
    correlation: float,
) -> SizePlan:  # fmt: skip
    """Spreads are the standard deviations of a difference between two people; what was before takes out `correlation` squared."""
    each = alpha / (arms - 1)
    kept = sqrt(1 - correlation * correlation)
    reach, sure = normal_quantile(1 - each / 2), normal_quantile(power)
    root = min((reach * under_none + sure * under_it) * kept / abs(difference), sqrt(MOST))
    fixed = min(ceil(root**2), MOST)
    sequential = _sequential(abs(difference), under_it * kept, each, sure, max(fixed, FEWEST))
    days = [None if per_day is None else ceil(min(n * arms / per_day, MOST)) for n in (fixed, sequential)]
    return SizePlan(
        fixed=fixed, sequential=sequential, people_fixed=fixed * arms, people_sequential=sequential * arms, days_fixed=days[0],
        days_sequential=days[1],
    )  # fmt: skip


def _sequential(difference: float, spread: float, alpha: float, sure: float, start: int) -> int:
    """The least n an arm at which the sequence, tuned for it, leaves zero out with the power wanted, at that look alone."""

    def lacking(n: int) -> float:
        variance = spread * spread / n
        return half_width(variance, 2 * n, alpha, tuned_for(2 * n, alpha)) + sure * sqrt(variance) - difference

    low, high = FEWEST, start
    while lacking(high) > 0:
        low, high = high, high * 2
        if high > MOST:
            return int(min(inf, MOST))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lacking(middle) > 0 else (low, middle)
    return high
