"""How an experiment went: each difference with its interval as anybody would have seen it at earlier looks. Pure.

Nothing of earlier looks is kept. Whoever came until some moment counts as soon as their window has closed, and what they did in
it stays; so figures of those who came until then are those of the look at that moment plus the window. The lake answers by when
people came, and what it says is added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from antiphon.decisioning.experiments.design import Design
from antiphon.decisioning.experiments.measuring import Counted, Row, Steps
from antiphon.decisioning.experiments.results import level_of, metrics_of
from antiphon.decisioning.experiments.statistics import Moments, combined

MOST_POINTS, FEWEST_POINTS, MOST_ROWS = 60, 12, 40_000
_HOUR = timedelta(hours=1)
STEPS = [*(_HOUR * n for n in (1, 2, 3, 6, 12)), *(timedelta(days=n) for n in (1, 2, 7, 14, 28, 91, 364))]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CoursePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A look: how many people of an arm and of the first one counted, their difference and its interval, which holds at every
    look; null while too few people counted."""

    at: datetime
    arm: str
    people: int
    difference: float
    low: float | None
    high: float | None


class MetricCourse(msgspec.Struct, frozen=True, kw_only=True):
    """How one metric went."""

    metric: str
    kind: str
    points: list[CoursePoint]


class ExperimentCourse(msgspec.Struct, frozen=True, kw_only=True):
    """How an experiment's differences went until `measured_at`, a look each `step_hours`. `alpha` is each comparison's."""

    measured_at: datetime
    step_hours: int
    alpha: float
    metrics: list[MetricCourse]


def steps_of(first: datetime, last: datetime, *, sets: int) -> Steps:
    """Steps that people between these instants are told apart by; `sets` are told apart in each."""
    most = max(FEWEST_POINTS, min(MOST_POINTS, MOST_ROWS // max(1, sets)))
    step = next((one for one in STEPS if (last - first) / one <= most - 1), STEPS[-1])
    start = _EPOCH + (first - _EPOCH) // _HOUR * _HOUR
    return Steps(start=start, micros=int(step.total_seconds()) * 1_000_000)


def course_of(design: Design, rows: Sequence[Row], steps: Steps, now: datetime) -> list[MetricCourse]:
    """Every metric's looks, the last of them now."""
    step = timedelta(microseconds=steps.micros)
    places = sorted({row.step or 0 for row in rows})
    by_step: dict[int, list[Row]] = {place: [] for place in places}
    for row in rows:
        by_step[row.step or 0].append(row)
    found = []
    for n, metric in enumerate(design.metrics):
        alone = msgspec.structs.replace(design, metrics=[metric], method="sequential")
        so_far: dict[int, dict[int, Moments]] = {}
        points: list[CoursePoint] = []
        kind = ""
        for place in places:
            for row in by_step[place]:
                layer = so_far.setdefault(row.stratum or 0, {})
                layer[row.arm] = combined([layer.get(row.arm, Moments(people=0)), row.counted.metrics[n]])
            at = steps.start + (place + 1) * step + metric.within
            if at > now and place != places[-1]:
                continue
            result = metrics_of(alone, *_sets(so_far, len(design.arms)))[0]
            kind = result.kind
            first = result.arms[0].people
            people = {one.arm: one.people + first for one in result.arms}
            points += [
                CoursePoint(
                    at=min(at, now), arm=one.arm, people=people[one.arm], difference=one.difference,
                    low=one.sequential.low if one.sequential else None, high=one.sequential.high if one.sequential else None,
                )
                for one in result.others
            ]  # fmt: skip
        found.append(MetricCourse(metric=metric.name, kind=kind, points=points))
    return found


def _sets(layers: dict[int, dict[int, Moments]], arms: int) -> tuple[dict[int, Counted], list[dict[int, Counted]]]:
    """Everybody so far, and stratum by stratum."""
    whole = {arm: combined([one[arm] for one in layers.values() if arm in one]) for arm in range(arms)}
    strata = [{arm: _counted(one) for arm, one in layer.items()} for _, layer in sorted(layers.items())]
    return {arm: _counted(one) for arm, one in whole.items()}, strata if len(strata) > 1 else []


def _counted(one: Moments) -> Counted:
    return Counted(people=one.people, crossed=0, first=None, last=None, metrics=(one,))


def put_together(design: Design, rows: Sequence[Row], steps: Steps, now: datetime) -> ExperimentCourse:
    """The course as it is told."""
    return ExperimentCourse(
        measured_at=now, step_hours=steps.micros // 3_600_000_000, alpha=level_of(design),
        metrics=course_of(design, rows, steps, now),
    )  # fmt: skip
