"""Routes of experiments: what is tried, on whom, and what it does."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.decisioning.experiments import records, service, watching
from antiphon.decisioning.experiments.adopting import Adopted, adopt
from antiphon.decisioning.experiments.course import ExperimentCourse
from antiphon.decisioning.experiments.design import (
    MOST_ARMS,
    MOST_METRICS,
    Arm,
    Design,
    Experiment,
    InvalidExperiment,
    Key,
    Kind,
    State,
    Strata,
    Title,
    Word,
    WrongExperimentState,
)
from antiphon.decisioning.experiments.metrics import Metric
from antiphon.decisioning.experiments.planning import PlanBody, plan_sizes
from antiphon.decisioning.experiments.results import ExperimentResults
from antiphon.decisioning.experiments.statistics import SizePlan
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, patch, post
from antiphon.foundation.principal import Principal

PathId = Annotated[int, Parameter(ge=1, le=2**31 - 1)]


class ExperimentShown(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment. `people` were exposed and `alarms` stand as of `measured_at`; both are null before anything was measured."""

    id: int
    key: str
    kind: Kind
    state: State
    design: Design
    winner: str | None
    dealt: bool
    created_at: datetime
    created_by: str
    updated_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    finished_at: datetime | None
    people: int | None
    alarms: int | None
    measured_at: datetime | None


class DesignBody(Body, frozen=True, kw_only=True):
    """What people decide of an experiment; see `Design`."""

    name: Title
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    arms: Annotated[list[Arm], msgspec.Meta(min_length=2, max_length=MOST_ARMS)]
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] = 100.0
    strata: Strata | None = None
    layer: Word | None = None
    metrics: Annotated[list[Metric], msgspec.Meta(max_length=MOST_METRICS)] = []
    alpha: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.05
    method: service.Method = "sequential"
    correction: service.Correction = "bonferroni"
    planned: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None


class NewExperiment(DesignBody, frozen=True, kw_only=True):
    """A new experiment: `key` is what journeys and programs call it by, and cannot be changed."""

    key: Key


class WatchedHoldout(Body, frozen=True, kw_only=True):
    """A holdout to watch as an experiment: everybody is in it, those held out on one side."""

    name: Title
    metrics: Annotated[list[Metric], msgspec.Meta(min_length=1, max_length=MOST_METRICS)]
    alpha: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.05


class FinishExperiment(Body, frozen=True, kw_only=True):
    """How an experiment ends: the arm that won is everybody's from now on; without one nobody is in any arm any more."""

    winner: Word | None = None


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """One stratum as it was dealt: how many each arm got. `stratum` is a value, `segment:12`, or empty for those in no other."""

    stratum: str
    arms: list[int]


@get("/v1/experiments", permission="experiments:read")
async def list_experiments(
    ctx: Context,
    in_state: Annotated[State | None, QueryParameter(name="state", description="Only those in this state")] = None,
    text: Annotated[str | None, Parameter(max_length=200)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ExperimentShown]:
    """Experiments, newest first."""
    after = decode_cursor(cursor, int)
    before = int(after[0] or 0) if after else None
    async with ctx.db.connection() as conn:
        found = await records.list_experiments(conn, before=before, state=in_state, text=text, limit=limit + 1)
        some = found[:limit]
        sums = await records.summaries(conn, [one.id for one in some])
    more = encode_cursor(some[-1].id) if len(found) > limit else None
    return Page(items=[_shown(one, sums.get(one.id)) for one in some], next=more)


@post("/v1/experiments", permission="experiments:write", problems=(404, 409))
async def create_experiment(ctx: Context, who: Principal, data: NewExperiment) -> ExperimentShown:
    """Make a draft."""
    return _shown(await service.create(ctx, who, data.key, _design(data)))


@post("/v1/experiments/plan", permission="experiments:read", status=200)
async def plan_experiment(data: PlanBody) -> SizePlan:
    """How many people a difference needs before it can be seen, and how many days they take to come."""
    return plan_sizes(data)


@post("/v1/experiments/adopted", permission="experiments:write", problems=(404, 409))
async def adopt_experiment(ctx: Context, who: Principal, data: Adopted) -> ExperimentShown:
    """Enter an experiment that was made elsewhere, as finished: a trait of customers names the arm each was in."""
    return _shown(await adopt(ctx, who, data))


@post("/v1/holdouts/{name:str}/experiment", permission="experiments:write", problems=(404, 409))
async def watch_holdout(ctx: Context, who: Principal, name: Word, data: WatchedHoldout) -> ExperimentShown:
    """Show what holding people out does, as an experiment that runs from now on."""
    arms = [Arm(key=service.HELD), Arm(key=service.TOLD)]
    design = Design(name=data.name, arms=arms, metrics=data.metrics, alpha=data.alpha)
    return _shown(await service.create_for_holdout(ctx, who, name, design))


@get("/v1/experiments/{experiment_id:int}", permission="experiments:read", problems=(404,))
async def read_experiment(ctx: Context, experiment_id: PathId) -> ExperimentShown:
    """One experiment."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, experiment_id)
        return _shown(found, (await records.summaries(conn, [experiment_id])).get(experiment_id))


@patch("/v1/experiments/{experiment_id:int}", permission="experiments:write", problems=(404, 409))
async def change_experiment(ctx: Context, who: Principal, experiment_id: PathId, data: DesignBody) -> ExperimentShown:
    """Write an experiment anew; once it has begun, what decides who is where must stay as it is."""
    return _shown(await service.change(ctx, who, experiment_id, _design(data)))


@delete("/v1/experiments/{experiment_id:int}", permission="experiments:write", problems=(404, 409))
async def delete_experiment(ctx: Context, who: Principal, experiment_id: PathId) -> None:
    """Throw a draft away."""
    await service.remove(ctx, who, experiment_id)


@post("/v1/experiments/{experiment_id:int}/start", permission="experiments:write", status=200, problems=(404, 409))
async def start_experiment(ctx: Context, who: Principal, experiment_id: PathId) -> ExperimentShown:
    """Let people in: for the first time, or again after it was stopped."""
    return _shown(await service.start(ctx, who, experiment_id))


@post("/v1/experiments/{experiment_id:int}/stop", permission="experiments:write", status=200, problems=(404, 409))
async def stop_experiment(ctx: Context, who: Principal, experiment_id: PathId) -> ExperimentShown:
    """Let nobody new in; it may be started again."""
    return _shown(await service.stop(ctx, who, experiment_id))


@post("/v1/experiments/{experiment_id:int}/finish", permission="experiments:write", status=200, problems=(404, 409))
async def finish_experiment(ctx: Context, who: Principal, experiment_id: PathId, data: FinishExperiment) -> ExperimentShown:
    """End it for good; its place in its layer is free."""
    return _shown(await service.finish(ctx, who, experiment_id, data.winner))


@get("/v1/experiments/{experiment_id:int}/results", permission="experiments:read", problems=(404,))
async def read_results(
    ctx: Context, who: Principal, experiment_id: PathId,
    trait: Annotated[str | None, Parameter(max_length=200, description="Also by the values of this trait")] = None,
    segment_id: Annotated[int | None, Parameter(ge=1, le=2**31 - 1, description="Also in and out of this segment")] = None,
    anew: bool = False,
) -> ExperimentResults:  # fmt: skip
    """What it comes to. Figures that take more than a second to work out are those kept, at most ten minutes old."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, experiment_id)
    if found.state == "draft":
        raise WrongExperimentState(state=found.state, needed="running, stopped or finished")
    if trait is not None and segment_id is not None:
        raise InvalidExperiment("name a trait or a segment, not both", field="segment_id")
    if trait is not None:
        return await watching.by_trait(ctx, who, found, trait)
    if segment_id is not None:
        return await watching.by_segment(ctx, found, segment_id)
    return await watching.results(ctx, found, anew=anew)


@get("/v1/experiments/{experiment_id:int}/course", permission="experiments:read", problems=(404,))
async def read_course(ctx: Context, experiment_id: PathId) -> ExperimentCourse:
    """How an experiment went: its differences with the intervals that hold at every look, look by look until now."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, experiment_id)
    if found.state == "draft":
        raise WrongExperimentState(state=found.state, needed="running, stopped or finished")
    return await watching.course(ctx, found)


@get("/v1/experiments/{experiment_id:int}/strata", permission="experiments:read", problems=(404,))
async def read_strata(ctx: Context, experiment_id: PathId) -> list[Stratum]:
    """How an experiment with strata was dealt."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, experiment_id)
        sizes: dict[str, list[int]] = {}
        for stratum, arm, size in await records.deal_sizes(conn, experiment_id):
            sizes.setdefault(stratum, [0] * len(found.design.arms))[arm] = size
    return [Stratum(stratum=stratum, arms=arms) for stratum, arms in sizes.items()]


def _design(data: DesignBody) -> Design:
    return Design(**{name: getattr(data, name) for name in Design.__struct_fields__})


def _shown(one: Experiment, summary: records.Summary | None = None) -> ExperimentShown:
    return ExperimentShown(
        id=one.id, key=one.key, kind=one.kind, state=one.state, design=one.design, dealt=one.dealt,
        winner=None if one.winner is None else one.design.arms[one.winner].key, created_at=one.created_at,
        created_by=one.created_by, updated_at=one.updated_at, started_at=one.started_at, stopped_at=one.stopped_at,
        finished_at=one.finished_at, people=summary.people if summary else None, alarms=summary.alarms if summary else None,
        measured_at=summary.measured_at if summary else None,
    )  # fmt: skip


ROUTES = (
    list_experiments, create_experiment, plan_experiment, adopt_experiment, watch_holdout, read_experiment, change_experiment,
    delete_experiment, start_experiment, stop_experiment, finish_experiment, read_results, read_course, read_strata,
)  # fmt: skip
