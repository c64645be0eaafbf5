"""Post-stratified moments: arms compared stratum by stratum, and put together by how many people each stratum has.

What differs between strata, not between arms, is then no noise of the comparison. Each arm's moments become those of a sample
that has every stratum in the same part W (that of both arms together):

    mean = sum W_s mean_s,   variance / people = sum W_s^2 variance_s / people_s

(L. W. Miratrix, J. S. Sekhon, B. Yu, "Adjusting treatment effect estimates by post-stratification in randomized experiments",
J. R. Stat. Soc. B 75, 2013, section 3). What the arms do may differ by stratum: as the parts are the sample's, the spread of
that over the strata, by the number of people, is added. All that follows (intervals, ratios, what was before) takes such moments
as any.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import msgspec

from antiphon.decisioning.experiments.statistics.moments import Moments

FEWEST = 10
"""People of each arm in a stratum; smaller strata are put together."""


def combined(parts: Sequence[Moments]) -> Moments:
    """The moments of several sets of people taken as one."""
    people = sum(one.people for one in parts)
    if not people:
        return Moments(people=0)

    def mean(name: str) -> float:
        return fsum(one.people * getattr(one, name) for one in parts) / people

    y, x, d = mean("mean"), mean("before"), mean("under")

    def spread(name: str, left: str, right: str, a: float, b: float) -> float:
        if people < 2:
            return 0.0
        return fsum(
            max(one.people - 1, 0) * getattr(one, name) + one.people * (getattr(one, left) - a) * (getattr(one, right) - b)
            for one in parts if one.people
        ) / (people - 1)  # fmt: skip

    return Moments(
        people=people, mean=y, variance=max(0.0, spread("variance", "mean", "mean", y, y)), before=x,
        before_variance=max(0.0, spread("before_variance", "before", "before", x, x)),
        covariance=spread("covariance", "mean", "before", y, x), under=d,
        under_variance=max(0.0, spread("under_variance", "under", "under", d, d)),
        under_covariance=spread("under_covariance", "mean", "under", y, d),
    )  # fmt: skip


Stratum = Sequence[Moments]
"""One stratum's moments, arm by arm."""


def usable(strata: Sequence[Stratum]) -> list[Stratum]:
    """Strata in which every arm has people enough; those that are too small are put together, with the next larger if need be.

    Which are put together follows from the numbers of people alone, never from what was measured.
    """
    ordered = sorted((one for one in strata if sum(arm.people for arm in one)), key=lambda one: min(arm.people for arm in one))
    small = [one for one in ordered if min(arm.people for arm in one) < FEWEST]
    large = ordered[len(small) :]
    while small:
        together = [combined(arms) for arms in zip(*small, strict=True)]
        if min(arm.people for arm in together) >= FEWEST or not large:
            return [*large, together]
        small.append(large.pop(0))
    return large


def post_stratified(strata: Sequence[Stratum], *, share: bool = False) -> list[Moments] | None:
    """Every arm's moments by stratum; None where there are not two strata large enough. ``share``: values are 0 or 1; a stratum
    where nobody or everybody has 1 is as uncertain as the arm's share makes it."""
    some = usable(strata)
    if len(some) < 2:
        return None
    total = sum(arm.people for one in some for arm in one)
    parts = [sum(arm.people for arm in one) / total for one in some]
    return [_arm([one[arm] for one in some], parts, share=share) for arm in range(len(some[0]))]


def _arm(strata: Sequence[Moments], parts: Sequence[float], *, share: bool) -> Moments:
    people = sum(one.people for one in strata)
    careful = (fsum(one.mean * one.people for one in strata) + 1) / (people + 2) if share else 0.0

    def mean(name: str) -> float:
        return fsum(part * getattr(one, name) for part, one in zip(parts, strata, strict=True))

    def variance(name: str) -> float:
        return people * fsum(part * part * getattr(one, name) / one.people for part, one in zip(parts, strata, strict=True))

    spread = variance("variance")
    if share:
        spread = people * fsum(
            part * part * _careful(one, careful) / one.people for part, one in zip(parts, strata, strict=True)
        )
    return Moments(
        people=people, mean=mean("mean"), variance=spread, before=mean("before"), before_variance=variance("before_variance"),
        covariance=variance("covariance"), under=mean("under"), under_variance=variance("under_variance"),
        under_covariance=variance("under_covariance"),
    )  # fmt: skip


def _careful(one: Moments, of_arm: float) -> float:
    """The variance of a share in a stratum, drawn to the arm's as by one person more."""
    share = (one.mean * one.people + of_arm) / (one.people + 1)
    return share * (1 - share)


def widened(
    first: Moments, other: Moments, strata: Sequence[Stratum], places: tuple[int, int], theta: float | None
) -> tuple[Moments, Moments]:
    """Two arms of `post_stratified`, with the spread over strata of what the one does beyond the other."""
    some = usable(strata)
    total = sum(arm.people for one in some for arm in one)
    t = theta or 0.0
    parts = [sum(arm.people for arm in one) / total for one in some]
    effects, noise = [], []
    for one in some:
        a, b = one[places[0]], one[places[1]]
        effects.append((b.value - a.value) - t * (b.before - a.before))
        v0, v1 = (a.adjusted_variance(t), b.adjusted_variance(t)) if theta is not None else (a.unit_variance, b.unit_variance)
        noise.append(v0 / a.people + v1 / b.people)
    whole = fsum(part * effect for part, effect in zip(parts, effects, strict=True))
    seen = fsum(part * (effect - whole) ** 2 for part, effect in zip(parts, effects, strict=True))
    chance = fsum(part * (1 - part) * one for part, one in zip(parts, noise, strict=True))
    spread = max(0.0, seen - chance) / total / 2  # of the difference's variance, for each of the two
    scale = [one.under * one.under for one in (first, other)]
    return (
        msgspec.structs.replace(first, variance=first.variance + spread * first.people * scale[0]),
        msgspec.structs.replace(other, variance=other.variance + spread * other.people * scale[1]),
    )
