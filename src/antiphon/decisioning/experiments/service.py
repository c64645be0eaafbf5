"""The room's verbs: experiments are made, changed, started, stopped, finished and thrown away."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from antiphon.decisioning.experiments import layers, records
from antiphon.decisioning.experiments.assigning import assignment_of
from antiphon.decisioning.experiments.dealing import Dealt, check_strata, deal_everybody
from antiphon.decisioning.experiments.design import (
    Arm,
    Design,
    Experiment,
    ExperimentKeyTaken,
    ExperimentStarted,
    ExperimentUnknown,
    InvalidExperiment,
    Kind,
    LayerUnknown,
    WrongExperimentState,
    changed,
    check_design,
)
from antiphon.decisioning.experiments.model import HoldoutUnknown
from antiphon.decisioning.experiments.store import find_holdout
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.ids import random_token
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

Method = Literal["sequential", "fixed"]
Correction = Literal["bonferroni", "none"]
CHUNK = 20_000
HELD, TOLD = "held_out", "told"
"""The arms of a holdout's experiment: those held out are what the others are compared with."""


async def create(ctx: Context, who: Principal, key: str, design: Design, kind: Kind = "random") -> Experiment:
    """A new draft. Raises ExperimentKeyTaken, InvalidExperiment or LayerUnknown."""
    async with ctx.db.transaction() as conn:
        return await insert(ctx, conn, who, key, design, kind)


async def insert(ctx: Context, conn: Connection, who: Principal, key: str, design: Design, kind: Kind) -> Experiment:
    """A new draft, in the caller's transaction."""
    await _check(conn, design)
    values = {
        "key": key, "kind": kind, "salt": random_token(8), "design": records.packed(design), "layer": design.layer,
        "now": ctx.clock.now(), "by": who.name,
    }  # fmt: skip
    made = await records.insert_experiment(conn, values)
    if made is None:
        raise ExperimentKeyTaken(key=key, field="key")
    after = await find(conn, made)
    await audit(conn, who, action="experiments.create", subject=f"experiment:{made}", before=None, after=_told(after))
    return after


async def create_for_holdout(ctx: Context, who: Principal, name: str, design: Design) -> Experiment:
    """Watch what a holdout does: everybody is in it, those held out on one side. It runs at once. Raises HoldoutUnknown."""
    async with ctx.db.transaction() as conn:
        holdout = await find_holdout(conn, name)
        if holdout is None:
            raise HoldoutUnknown(name=name)
        if not holdout.enabled or holdout.percent <= 0:
            raise InvalidExperiment("the holdout holds nobody out", field="holdout")
        arms = [Arm(key=HELD, weight=holdout.percent), Arm(key=TOLD, weight=100 - holdout.percent)]
        made = await insert(ctx, conn, who, f"holdout-{name}", _with(design, arms=arms), "holdout")
        return await _move(ctx, conn, who, made, "start", "start_experiment", {"slots": [], "dealt": False})


async def find(conn: Connection, experiment_id: int) -> Experiment:
    """One experiment. Raises ExperimentUnknown."""
    found = await records.find_experiment(conn, experiment_id)
    if found is None:
        raise ExperimentUnknown
    return found


async def change(ctx: Context, who: Principal, experiment_id: int, design: Design) -> Experiment:
    """What is written of an experiment; once it has begun, its name, description, metrics and planned size alone.

    Raises ExperimentStarted naming what may not change, and all that `create` raises.
    """
    async with ctx.db.transaction() as conn:
        before = await _hold(conn, experiment_id)
        if before.state == "finished":
            raise WrongExperimentState(state=before.state, needed="draft, running or stopped")
        if before.state != "draft" and (fixed := changed(before.design, design)):
            raise ExperimentStarted(what=fixed[0], field=fixed[0])
        await _check(conn, design)
        values = {"id": experiment_id, "design": records.packed(design), "layer": design.layer, "now": ctx.clock.now()}
        await records.run(conn, "update_design", values)
        if before.design.metrics != design.metrics:
            await records.run(conn, "forget_result", {"id": experiment_id})
            await records.run(conn, "forget_course", {"id": experiment_id})
        after = await find(conn, experiment_id)
        subject = f"experiment:{experiment_id}"
        await audit(conn, who, action="experiments.change", subject=subject, before=_told(before), after=_told(after))
        return after


async def start(ctx: Context, who: Principal, experiment_id: int) -> Experiment:
    """People come in from now on: a draft takes its slots of its layer, and is dealt where it has strata; a stopped one goes on.

    Raises WrongExperimentState, LayerFull or InvalidExperiment.
    """
    async with ctx.db.transaction() as conn:
        before = await _hold(conn, experiment_id)
        if before.state == "stopped":
            kept = {"slots": before.slots, "dealt": before.dealt}
            return await _move(ctx, conn, who, before, "start", "start_experiment", kept)
        _needs(before, "draft")
        check_design(before.design)
        slots: list[int] = []
        salt = ""
        if before.layer is not None:
            salt, slots = await layers.choose_slots(conn, before.design)
        strata = before.design.strata
        if strata is None:
            await layers.claim(conn, before, slots)
            return await _move(ctx, conn, who, before, "start", "start_experiment", {"slots": slots, "dealt": False})
    planned = _with_slots(before, slots)
    dealt = await deal_everybody(ctx, assignment_of(planned, salt), strata)
    return await _start_dealt(ctx, who, planned, dealt)


async def _start_dealt(ctx: Context, who: Principal, planned: Experiment, dealt: Dealt) -> Experiment:
    """The same once more, held, with what was dealt meanwhile; begins anew when somebody changed it or took the slots."""
    async with ctx.db.transaction() as conn:
        now = await _hold(conn, planned.id)
        _needs(now, "draft")
        slots: list[int] = []
        if now.layer is not None:
            _, slots = await layers.choose_slots(conn, now.design)
        if now.design == planned.design and slots == planned.slots:
            await layers.claim(conn, now, slots)
            await records.write_deal(conn, now.id, dealt.strata, dealt.people)
            return await _move(ctx, conn, who, now, "start", "start_experiment", {"slots": slots, "dealt": True})
    return await start(ctx, who, planned.id)


async def stop(ctx: Context, who: Principal, experiment_id: int) -> Experiment:
    """Nobody new comes in; those inside keep their arms, their windows go on, and its slots stay its own."""
    async with ctx.db.transaction() as conn:
        before = await _hold(conn, experiment_id)
        _needs(before, "running")
        return await _move(ctx, conn, who, before, "stop", "stop_experiment", {})


async def finish(ctx: Context, who: Principal, experiment_id: int, winner: str | None) -> Experiment:
    """It is over for good: its slots are free, and an arm that won is everybody's. Windows that are open still close."""
    async with ctx.db.transaction() as conn:
        before = await _hold(conn, experiment_id)
        _needs(before, "running", "stopped")
        number = number_of(before.design, winner)
        await records.run(conn, "free_slots", {"id": experiment_id})
        return await _move(ctx, conn, who, before, "finish", "finish_experiment", {"winner": number})


async def remove(ctx: Context, who: Principal, experiment_id: int) -> None:
    """Throw a draft away, with what a crash left of one that was being adopted. Raises WrongExperimentState once it has begun."""
    async with ctx.db.connection() as conn:
        _needs(await find(conn, experiment_id), "draft")
        while await records.run(conn, "clear_exposures", {"id": experiment_id, "limit": CHUNK}):
            pass
    async with ctx.db.transaction() as conn:
        before = await _hold(conn, experiment_id)
        _needs(before, "draft")
        await records.run(conn, "delete_draft", {"id": experiment_id})
        await audit(
            conn, who, action="experiments.remove", subject=f"experiment:{experiment_id}", before=_told(before), after=None
        )


async def adopted(ctx: Context, conn: Connection, who: Principal, made: Experiment, times: dict[str, Any]) -> Experiment:
    """A draft becomes an experiment that was made elsewhere, with the times and the winner it had."""
    return await _move(ctx, conn, who, made, "adopt", "adopt_experiment", times)


def number_of(design: Design, arm: str | None) -> int | None:
    """An arm's number. Raises InvalidExperiment for one there is not."""
    keys = [one.key for one in design.arms]
    if arm is not None and arm not in keys:
        raise InvalidExperiment(f"there is no arm {arm}; there are {', '.join(keys)}", field="winner")
    return None if arm is None else keys.index(arm)


async def _move(
    ctx: Context, conn: Connection, who: Principal, before: Experiment, verb: str, statement: str, values: dict[str, object]
) -> Experiment:
    await records.run(conn, statement, {"id": before.id, "now": ctx.clock.now(), **values})
    after = await find(conn, before.id)
    await audit(
        conn, who, action=f"experiments.{verb}", subject=f"experiment:{before.id}", before=_told(before), after=_told(after)
    )
    return after


async def _hold(conn: Connection, experiment_id: int) -> Experiment:
    found = await records.hold_experiment(conn, experiment_id)
    if found is None:
        raise ExperimentUnknown
    return found


async def _check(conn: Connection, design: Design) -> None:
    check_design(design)
    if design.layer is not None and await layers.find_layer(conn, design.layer) is None:
        raise LayerUnknown(name=design.layer, field="layer")
    await check_strata(conn, design.strata)


def _needs(one: Experiment, *states: str) -> None:
    if one.state not in states:
        raise WrongExperimentState(state=one.state, needed=" or ".join(states))


def _told(one: Experiment) -> dict[str, object]:
    """What the audit keeps: everything but the slots, of which there may be a thousand."""
    return {"key": one.key, "state": one.state, "design": one.design, "winner": one.winner, "slots": len(one.slots)}


def _with(design: Design, *, arms: list[Arm]) -> Design:
    return msgspec.structs.replace(design, arms=arms, percent=100.0, strata=None, layer=None)


def _with_slots(one: Experiment, slots: list[int]) -> Experiment:
    return msgspec.structs.replace(one, slots=slots)
