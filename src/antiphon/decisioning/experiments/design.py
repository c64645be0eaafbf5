"""What an experiment is: its arms, whom it asks, what it measures, and the rules of all that. Pure.

An experiment is a `draft` while it is put together, then `running` (people come in), `stopped` (nobody new; those inside keep
their arms; it may run again) and `finished` (for good, with or without a winner). Its first arm is the one the others are
compared with. From the start on its arms, share, strata and layer stay as they are: whoever is in it never moves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from antiphon.awareness.events.filters import MOST_FILTERS, BadFilter, check_filter, check_text
from antiphon.decisioning.experiments.metrics import Metric, check_metric
from antiphon.foundation.errors import Conflict, Invalid, NotFound
from antiphon.foundation.http import Body

MOST_ARMS, MOST_METRICS, MOST_STRATA, SLOTS = 10, 20, 200, 1000
Kind = Literal["random", "holdout", "adopted"]
State = Literal["draft", "running", "stopped", "finished"]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", max_length=40)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,59}$", max_length=60)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ExperimentUnknown(NotFound):
    """There is no such experiment."""


class ExperimentKeyTaken(Conflict):
    """There is an experiment with the key {key} already; choose another."""


class InvalidExperiment(Invalid):
    """The experiment breaks a rule."""


class ExperimentStarted(Conflict):
    """{what} cannot be changed any more: the experiment has started, and nobody in it may move."""


class WrongExperimentState(Conflict):
    """The experiment is {state}; this is possible while it is {needed}."""


class LayerUnknown(NotFound):
    """There is no layer named {name}."""


class LayerInUse(Conflict):
    """The layer {name} has experiments; it stays as long as they do."""


class LayerFull(Conflict):
    """The layer {name} has {free} % left, and the experiment wants {wanted} %."""


class Arm(Body, frozen=True, kw_only=True):
    """One of the things that are tried: `weight` is its part of those who take part, beside the other arms' weights."""

    key: Word
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    weight: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0


class TraitStrata(Body, frozen=True, kw_only=True, tag_field="by", tag="trait"):
    """Strata are a trait's values; those who have none are a stratum of their own."""

    trait: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SegmentStrata(Body, frozen=True, kw_only=True, tag_field="by", tag="segments"):
    """Strata are segments, the first of which somebody is in counts; those in none are a stratum of their own."""

    ids: Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]], msgspec.Meta(min_length=1, max_length=50)]


Strata = TraitStrata | SegmentStrata


class Design(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything people decide of an experiment.

    `percent` of all customers take part (in a layer: of the layer's). `alpha` is the chance of calling a difference where there
    is none, shared by the comparisons of several arms unless `correction` is none; `method` tells whose interval decides:
    `sequential` may be looked at as often as one likes, `fixed` holds at one look, when `planned` people a arm have come.
    """

    name: Title
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    arms: Annotated[list[Arm], msgspec.Meta(min_length=2, max_length=MOST_ARMS)]
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] = 100.0
    strata: Strata | None = None
    layer: Word | None = None
    metrics: Annotated[list[Metric], msgspec.Meta(max_length=MOST_METRICS)] = []
    alpha: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.05
    method: Literal["sequential", "fixed"] = "sequential"
    correction: Literal["bonferroni", "none"] = "bonferroni"
    planned: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(arm.weight for arm in self.arms)


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment. `slots` are its places in its layer; `winner` is the number of an arm, from 0."""

    id: int
    key: str
    kind: Kind
    state: State
    salt: str
    design: Design
    layer: str | None
    slots: list[int]
    dealt: bool
    winner: int | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    finished_at: datetime | None


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Experiments that exclude each other: nobody is in two of one layer at a time. `free` percent of it are nobody's."""

    name: str
    title: str
    free: float
    experiments: list[LayerShare]


class LayerShare(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a layer an experiment has."""

    id: int
    key: str
    name: str
    state: State
    percent: float


FIXED = ("arms", "percent", "strata", "layer", "alpha", "method", "correction")
"""What stays as it was once an experiment has started."""


def slots_wanted(percent: float) -> int:
    """How many of a layer's slots a share takes."""
    return max(1, round(percent * SLOTS / 100))


def check_design(design: Design) -> None:
    """Raise InvalidExperiment, naming the field and the rule, unless the design can be carried out."""
    keys = [arm.key for arm in design.arms]
    for n, key in enumerate(keys):
        if key in keys[:n]:
            raise InvalidExperiment(f"two arms are called {key}", field=f"arms[{n}].key")
    if max(design.weights) > 10_000 * min(design.weights):
        raise InvalidExperiment("no arm may be 10,000 times another's size", field="arms")
    if design.layer is not None and abs(design.percent * SLOTS / 100 - slots_wanted(design.percent)) > 1e-9:
        raise InvalidExperiment("a share of a layer is a multiple of 0.1 percent", field="percent")
    names = [metric.name for metric in design.metrics]
    for n, metric in enumerate(design.metrics):
        if metric.name in names[:n]:
            raise InvalidExperiment(f"two metrics are called {metric.name}", field=f"metrics[{n}].name")
        try:
            check_text(metric.event, f"metrics[{n}].event")
            if len(metric.where) > MOST_FILTERS:
                raise BadFilter(f"at most {MOST_FILTERS} conditions on properties", f"metrics[{n}].where")
            for place, one in enumerate(metric.where):
                check_filter(one, f"metrics[{n}].where[{place}]")
            check_metric(metric, f"metrics[{n}]")
        except BadFilter as wrong:
            raise InvalidExperiment(wrong.rule, field=wrong.field) from None


def changed(before: Design, after: Design) -> list[str]:
    """The names of the fixed parts in which two designs differ."""
    return [name for name in FIXED if getattr(before, name) != getattr(after, name)]
