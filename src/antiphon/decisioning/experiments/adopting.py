"""Experiments that were made elsewhere: entered as finished, from a trait that names each customer's arm."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from antiphon.awareness.traits import registry
from antiphon.decisioning.experiments import records, service
from antiphon.decisioning.experiments.design import (
    MOST_ARMS,
    MOST_METRICS,
    Arm,
    Design,
    Experiment,
    InvalidExperiment,
    Key,
    Title,
)
from antiphon.decisioning.experiments.metrics import Metric
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body
from antiphon.foundation.principal import Principal

CHUNK = 20_000


class AdoptedArm(Arm, frozen=True, kw_only=True):
    """An arm, and the trait's `value` that names it."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Adopted(Body, frozen=True, kw_only=True):
    """An experiment that was made elsewhere: everybody whose `trait` is an arm's value was exposed to it at `started_at`."""

    key: Key
    name: Title
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    trait: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    arms: Annotated[list[AdoptedArm], msgspec.Meta(min_length=2, max_length=MOST_ARMS)]
    started_at: datetime
    finished_at: datetime
    metrics: Annotated[list[Metric], msgspec.Meta(min_length=1, max_length=MOST_METRICS)]
    alpha: Annotated[float, msgspec.Meta(ge=0.0001, le=0.5)] = 0.05
    correction: service.Correction = "none"
    winner: str | None = None


def design_of(data: Adopted) -> Design:
    """The design of an experiment that is over: at one look."""
    arms = [Arm(key=arm.key, title=arm.title or arm.value, weight=arm.weight) for arm in data.arms]
    return Design(
        name=data.name, description=data.description, arms=arms, metrics=data.metrics, alpha=data.alpha, method="fixed",
        correction=data.correction,
    )  # fmt: skip


async def adopt(ctx: Context, who: Principal, data: Adopted) -> Experiment:
    """Enter it, and who was in which arm, set by set. Raises ExperimentKeyTaken or InvalidExperiment naming the field.

    Exposures come before the state that makes them count: a crash leaves a draft of that key, which may be thrown away.
    """
    if data.started_at.tzinfo is None or data.finished_at.tzinfo is None:
        raise InvalidExperiment("an instant needs its offset from UTC", field="started_at")
    if not data.started_at < data.finished_at <= ctx.clock.now():
        raise InvalidExperiment("it ends after it began, and not in the future", field="finished_at")
    values = [arm.value for arm in data.arms]
    if len(set(values)) < len(values):
        raise InvalidExperiment("two arms have the same value", field="arms")
    design = design_of(data)
    winner = service.number_of(design, data.winner)
    async with ctx.db.transaction() as conn:
        if data.trait not in await registry(conn):
            raise InvalidExperiment(f"there is no trait {data.trait}", field="trait")
        made = await service.insert(ctx, conn, who, data.key, design, "adopted")
    after: int | None = 0
    while after is not None:
        async with ctx.db.transaction() as conn:
            after, _ = await records.adopt_exposures(
                conn, made.id, trait=data.trait, values=values, at=data.started_at, after=after, limit=CHUNK
            )
    times = {"started_at": data.started_at, "finished_at": data.finished_at, "winner": winner}
    async with ctx.db.transaction() as conn:
        return await service.adopted(ctx, conn, who, made, times)
