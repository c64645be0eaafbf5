"""What an experiment measures: events of those who were exposed, within a window after it. Pure types and rules.

A window begins at the person's first exposure and is half open. Somebody counts in a metric once their window has closed, so
that all who count had the same time. With `before_days` the same is measured over the days before the exposure, and what it
tells beforehand is taken out of the difference (CUPED).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.filters import BadFilter, check_path
from antiphon.foundation.http import Body

Role = Literal["primary", "secondary", "guardrail"]


class _Metric(Body, frozen=True, kw_only=True, tag_field="kind"):
    """`good` says which way is better. A guardrail may become worse by at most `margin`, as a part of the first arm's value."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    where: list[PropertyFilter] = []
    within_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] = 168
    before_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0
    role: Role = "secondary"
    good: Literal["up", "down"] = "up"
    margin: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0

    @property
    def within(self) -> timedelta:
        return timedelta(hours=self.within_hours)

    @property
    def before(self) -> timedelta:
        return timedelta(days=self.before_days)


class ConversionMetric(_Metric, frozen=True, kw_only=True, tag="conversion"):
    """The share of people with at least one such event."""


class CountMetric(_Metric, frozen=True, kw_only=True, tag="count"):
    """How many such events a person has."""


class SumMetric(_Metric, frozen=True, kw_only=True, tag="sum"):
    """A property of such events, added up for each person: spend a head."""

    property: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class MeanMetric(_Metric, frozen=True, kw_only=True, tag="mean"):
    """A property's mean over events, not over people: the worth of an order. Its variance is the delta method's."""

    property: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


Metric = ConversionMetric | CountMetric | SumMetric | MeanMetric


def check_metric(metric: Metric, place: str) -> None:
    """Raise BadFilter, naming field and rule, unless the metric can be measured."""
    if isinstance(metric, SumMetric | MeanMetric):
        check_path(metric.property, f"{place}.property")
    if isinstance(metric, MeanMetric) and metric.before_days:
        raise BadFilter("a mean over events takes no days before", f"{place}.before_days")
    if metric.margin and metric.role != "guardrail":
        raise BadFilter("only a guardrail has a margin", f"{place}.margin")
