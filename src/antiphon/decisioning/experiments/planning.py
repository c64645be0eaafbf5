"""What the planner is asked."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from antiphon.decisioning.experiments.design import MOST_ARMS, InvalidExperiment
from antiphon.decisioning.experiments.statistics import SizePlan, size_of_means, size_of_shares
from antiphon.foundation.http import Body


class PlanBody(Body, frozen=True, kw_only=True):
    """A difference to be seen: of a `share` that is `baseline` now, or of a `mean` whose values have this `deviation`.

    `difference` is absolute. `per_day` people come in, all arms together; of an experiment that takes `percent` of them that part
    counts. `correlation` of values with those before exposure narrows what CUPED can.
    """

    kind: Literal["share", "mean"] = "share"
    baseline: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
    difference: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
    deviation: Annotated[float, msgspec.Meta(gt=0, le=1e12)] | None = None
    power: Annotated[float, msgspec.Meta(ge=0.5, le=0.999)] = 0.8
    alpha: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.05
    arms: Annotated[int, msgspec.Meta(ge=2, le=MOST_ARMS)] = 2
    per_day: Annotated[float, msgspec.Meta(gt=0, le=1e10)] | None = None
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] = 100.0
    correlation: Annotated[float, msgspec.Meta(ge=0, le=0.99)] = 0.0


def plan_sizes(body: PlanBody) -> SizePlan:
    """Sizes and days. Raises InvalidExperiment naming the field."""
    if body.difference == 0:
        raise InvalidExperiment("a difference of nothing needs everybody, for ever", field="difference")
    per_day = None if body.per_day is None else body.per_day * body.percent / 100
    if body.kind == "share":
        if not 0 < body.baseline < 1:
            raise InvalidExperiment("a share is between 0 and 1", field="baseline")
        if not 0 < body.baseline + body.difference < 1:
            raise InvalidExperiment("baseline and difference together are a share between 0 and 1", field="difference")
        return size_of_shares(
            body.baseline, body.difference, power=body.power, alpha=body.alpha, arms=body.arms, per_day=per_day,
            correlation=body.correlation,
        )  # fmt: skip
    if body.deviation is None:
        raise InvalidExperiment("a mean needs the standard deviation of its values", field="deviation")
    return size_of_means(
        body.deviation, body.difference, power=body.power, alpha=body.alpha, arms=body.arms, per_day=per_day,
        correlation=body.correlation,
    )  # fmt: skip
