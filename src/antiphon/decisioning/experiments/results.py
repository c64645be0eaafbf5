"""What an experiment came to: values, differences and verdicts, out of the moments the lake gave. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from antiphon.decisioning.experiments.design import Design
from antiphon.decisioning.experiments.measuring import Answers, Counted
from antiphon.decisioning.experiments.metrics import ConversionMetric, MeanMetric, Metric
from antiphon.decisioning.experiments.statistics import (
    Interval,
    Moments,
    RatioCheck,
    Stratum,
    check_ratio,
    compare,
    interval_of,
    post_stratified,
    theta_of,
    tuned_for,
    usable,
    widened,
)
from antiphon.decisioning.experiments.statistics.sequences import DEFAULT_PLANNED

Verdict = Literal["better", "worse", "open", "early"]
Guard = Literal["kept", "harmed", "open"]


class ArmPeople(msgspec.Struct, frozen=True, kw_only=True):
    """An arm: how many were exposed to it, and how many by the weights were to be."""

    arm: str
    people: int
    expected: float


class ArmValue(msgspec.Struct, frozen=True, kw_only=True):
    """A metric in one arm: of `people` whose window has closed (`waiting` have one that is open), the value with the interval of
    one look, and the sum."""

    arm: str
    people: int
    waiting: int
    value: float | None
    low: float | None
    high: float | None
    total: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """An arm beside the first one.

    `low`, `high` and `p` are the design's method's; `fixed` and `sequential` are both of them. Where `theta` is there, what was
    before is taken out of all of these; where `strata` is, people are compared within so many strata (post-stratified). Either
    way `narrowed` is the part of the variance that went with it, and `plain` is the difference as it was. `early`: too few people
    for a word. `guard` is of guardrails alone: `harmed` is an alarm.
    """

    arm: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    fixed: Interval
    sequential: Interval | None
    theta: float | None
    narrowed: float | None
    plain: float | None
    verdict: Verdict
    guard: Guard | None
    strata: int | None = None


class MetricResult(msgspec.Struct, frozen=True, kw_only=True):
    """One metric: every arm's value, and every other arm beside the first."""

    metric: str
    kind: str
    role: str
    good: str
    arms: list[ArmValue]
    others: list[Comparison]


class ResultPart(msgspec.Struct, frozen=True, kw_only=True):
    """People of one value of a trait, or in or out of a segment: `kind` tells a value from none and from all the rest."""

    kind: Literal["value", "none", "rest"]
    value: str | None
    people: int
    metrics: list[MetricResult]


class ExperimentAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody should look at: arms of the wrong sizes (`ratio`), or a guardrail that an arm has harmed; since when."""

    kind: Literal["ratio", "guardrail"]
    metric: str | None
    arm: str | None
    since: datetime


class ExperimentResults(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment's figures at `measured_at`. `alpha` is each comparison's; `crossed` were in several arms until they turned
    out to be one person, and count in the first. `parts` are there when asked for."""

    measured_at: datetime
    took_ms: int
    method: str
    alpha: float
    people: int
    crossed: int
    first_at: datetime | None
    last_at: datetime | None
    arms: list[ArmPeople]
    ratio: RatioCheck | None
    metrics: list[MetricResult]
    alarms: list[ExperimentAlarm]
    parts: list[ResultPart] = []


def level_of(design: Design) -> float:
    """The error rate of each comparison."""
    return design.alpha / (len(design.arms) - 1) if design.correction == "bonferroni" else design.alpha


def make_results(
    design: Design, answers: Answers, *, now: datetime, took_ms: int, before: Sequence[ExperimentAlarm] = (),
    ratio: bool = True, strata: Sequence[Mapping[int, Counted]] = (),
) -> ExperimentResults:  # fmt: skip
    """Everything there is to say. `before` are the alarms raised so far; whether arms' sizes are checked is `ratio`. With
    `strata`, everybody's arms are compared within them; parts as they are."""
    arms = answers.get(None, {})
    found = [arms[n].people if n in arms else 0 for n in range(len(design.arms))]
    check = check_ratio(found, design.weights)
    metrics = metrics_of(design, arms, strata)
    told = [one for counted in arms.values() for one in (counted.first, counted.last) if one is not None]
    parts = [_part(design, name, some) for name, some in answers.items() if name is not None]
    return ExperimentResults(
        measured_at=now, took_ms=took_ms, method=design.method, alpha=level_of(design), people=sum(found),
        crossed=sum(one.crossed for one in arms.values()), first_at=min(told, default=None), last_at=max(told, default=None),
        arms=[
            ArmPeople(arm=arm.key, people=n, expected=expected)
            for arm, n, expected in zip(design.arms, found, check.expected, strict=True)
        ],
        ratio=check if ratio else None, metrics=metrics, alarms=_alarms(check if ratio else None, metrics, before, now),
        parts=sorted(parts, key=lambda one: (one.kind != "value", -one.people, one.value or "")),
    )  # fmt: skip


def metrics_of(
    design: Design, arms: Mapping[int, Counted], strata: Sequence[Mapping[int, Counted]] = ()
) -> list[MetricResult]:
    """Every metric: each arm's value, and each other arm beside the first."""
    return [_metric(design, n, metric, arms, strata) for n, metric in enumerate(design.metrics)]


NOBODY = Moments(people=0)


def _metric(
    design: Design, n: int, metric: Metric, arms: Mapping[int, Counted], strata: Sequence[Mapping[int, Counted]]
) -> MetricResult:
    count = len(design.arms)
    moments = [arms[arm].metrics[n] if arm in arms else NOBODY for arm in range(count)]
    people = [arms[arm].people if arm in arms else 0 for arm in range(count)]
    layers = [[one[arm].metrics[n] if arm in one else NOBODY for arm in range(count)] for one in strata]
    apart = Apart(moments, layers if all(one.people for one in moments) else [], share=isinstance(metric, ConversionMetric))
    theta = theta_of([one for layer in apart.strata or [moments] for one in layer]) if metric.before_days else None
    return MetricResult(
        metric=metric.name, kind=metric.__struct_config__.tag if isinstance(metric.__struct_config__.tag, str) else "",
        role=metric.role, good=metric.good,
        arms=[
            _value(arm.key, metric, one, exposed, level_of(design))
            for arm, one, exposed in zip(design.arms, moments, people, strict=True)
        ],
        others=[
            _beside(arm.key, design, metric, apart, place, theta)
            for place, (arm, other) in enumerate(zip(design.arms[1:], moments[1:], strict=True), start=1)
            if moments[0].people and other.people
        ],
    )  # fmt: skip


class Apart:
    """The arms' moments as they are, and stratum by stratum where there are strata enough."""

    def __init__(self, moments: Sequence[Moments], layers: Sequence[Stratum], *, share: bool) -> None:
        self.moments = moments
        self._adjusted = post_stratified(layers, share=share) if layers else None
        self.strata: Sequence[Stratum] = usable(layers) if self._adjusted is not None else []

    def pair(self, place: int, theta: float | None) -> tuple[Moments, Moments]:
        """The first arm and another as they are compared."""
        if self._adjusted is None:
            return self.moments[0], self.moments[place]
        return widened(self._adjusted[0], self._adjusted[place], self.strata, (0, place), theta)


def _value(arm: str, metric: Metric, one: Moments, exposed: int, alpha: float) -> ArmValue:
    known = one.people > 0 and one.under > 0
    low, high = interval_of(one, alpha=alpha, share=isinstance(metric, ConversionMetric)) if known else (None, None)
    return ArmValue(
        arm=arm, people=one.people, waiting=exposed - one.people, value=one.value if known else None, low=low, high=high,
        total=round(one.mean * one.people, 9),  # a mean of whole numbers is theirs again
    )  # fmt: skip


def _beside(arm: str, design: Design, metric: Metric, apart: Apart, place: int, theta: float | None) -> Comparison:
    alpha = level_of(design)
    planned = design.planned * len(design.arms) if design.planned else DEFAULT_PLANNED
    rho2 = tuned_for(planned, alpha)
    share = isinstance(metric, ConversionMetric) and not apart.strata
    plain0, plain1 = apart.moments[0], apart.moments[place]
    first, other = apart.pair(place, theta)
    one = compare(first, other, alpha=alpha, rho2=rho2, share=share, theta=theta)
    sequential = design.method == "sequential"
    force, relative = (one.sequential, one.relative_sequential) if sequential else (one.fixed, one.relative_fixed)
    early = force is None or (not sequential and min(first.people, other.people) < (design.planned or 0))
    if isinstance(metric, MeanMetric) and not (first.under and other.under):
        early = True
    narrowed = one.narrowed
    if apart.strata:
        was = plain0.unit_variance / plain0.people + plain1.unit_variance / plain1.people
        left = first.unit_variance / first.people + other.unit_variance / other.people
        left *= 1 - (one.narrowed or 0.0)
        narrowed = 1 - left / was if was > 0 else 0.0
    return Comparison(
        arm=arm, difference=one.difference, low=force.low if force else None, high=force.high if force else None,
        p=force.p if force else None, relative=one.relative, relative_low=relative.low if relative else None,
        relative_high=relative.high if relative else None, fixed=one.fixed, sequential=one.sequential, theta=one.theta,
        narrowed=narrowed, plain=plain1.value - plain0.value if theta is not None or apart.strata else None,
        verdict="early" if early or force is None else _verdict(metric, force),
        guard=_guard(metric, None if early else relative) if metric.role == "guardrail" else None,
        strata=len(apart.strata) or None,
    )  # fmt: skip


def _verdict(metric: Metric, found: Interval) -> Verdict:
    if found.low <= 0 <= found.high:
        return "open"
    return "better" if (found.low > 0) == (metric.good == "up") else "worse"


def _guard(metric: Metric, found: Interval | None) -> Guard:
    """`kept` when all that is likely is within the margin, or better; `harmed` when all that is likely is worse than before."""
    if found is None:
        return "open"
    worst, best = (found.low, found.high) if metric.good == "up" else (-found.high, -found.low)
    if worst > -metric.margin:
        return "kept"
    return "harmed" if best < 0 else "open"


def _alarms(
    check: RatioCheck | None, metrics: Sequence[MetricResult], before: Sequence[ExperimentAlarm], now: datetime
) -> list[ExperimentAlarm]:
    """The alarms that stand now, each since it was first raised; one about sizes stays, for what came in wrongly stays in."""
    since = {(one.kind, one.metric, one.arm): one.since for one in before}
    raised: list[tuple[Literal["ratio", "guardrail"], str | None, str | None]] = []
    if check is not None and (check.alarm or ("ratio", None, None) in since):
        raised.append(("ratio", None, None))
    raised += [("guardrail", one.metric, other.arm) for one in metrics for other in one.others if other.guard == "harmed"]
    return [
        ExperimentAlarm(kind=kind, metric=metric, arm=arm, since=since.get((kind, metric, arm), now))
        for kind, metric, arm in raised
    ]


def _part(design: Design, name: str, arms: Mapping[int, Counted]) -> ResultPart:
    kind: Literal["value", "none", "rest"] = "value" if name.startswith("=") else "rest" if name == "*" else "none"
    return ResultPart(
        kind=kind, value=name[1:] if kind == "value" else None, people=sum(one.people for one in arms.values()),
        metrics=metrics_of(design, arms),
    )  # fmt: skip
