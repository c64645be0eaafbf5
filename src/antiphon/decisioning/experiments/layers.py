"""Layers: experiments that exclude each other share a thousand slots, and nobody stands in two."""

from __future__ import annotations

from antiphon.decisioning.experiments import records
from antiphon.decisioning.experiments.design import (
    SLOTS,
    Design,
    Experiment,
    Layer,
    LayerFull,
    LayerInUse,
    LayerUnknown,
    slots_wanted,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.ids import random_token
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal


async def put_layer(ctx: Context, conn: Connection, who: Principal, name: str, title: str) -> Layer:
    """Make a layer, or give it another title."""
    before = await find_layer(conn, name)
    await records.run(conn, "put_layer", {"name": name, "title": title, "salt": random_token(8), "now": ctx.clock.now()})
    after = await find_layer(conn, name)
    assert after is not None
    await audit(conn, who, action="experiments.layer", subject=f"layer:{name}", before=before, after=after)
    return after


async def remove_layer(conn: Connection, who: Principal, name: str) -> None:
    """Throw a layer away. Raises LayerUnknown, or LayerInUse when it has, or had, experiments."""
    before = await find_layer(conn, name)
    if before is None:
        raise LayerUnknown(name=name)
    await records.hold_layer(conn, name)
    if await records.layer_used(conn, name):
        raise LayerInUse(name=name)
    await records.run(conn, "delete_layer", {"name": name})
    await audit(conn, who, action="experiments.layer", subject=f"layer:{name}", before=before, after=None)


async def find_layer(conn: Connection, name: str) -> Layer | None:
    return next((layer for layer in await records.list_layers(conn) if layer.name == name), None)


async def choose_slots(conn: Connection, design: Design) -> tuple[str, list[int]]:
    """The layer's salt, and free slots for a design, the lowest; the layer is held. Raises LayerUnknown or LayerFull."""
    assert design.layer is not None
    salt, taken = await records.hold_layer(conn, design.layer)
    used, wanted = set(taken), slots_wanted(design.percent)
    free = [slot for slot in range(SLOTS) if slot not in used]
    if len(free) < wanted:
        raise LayerFull(name=design.layer, free=f"{len(free) / 10:g}", wanted=f"{design.percent:g}", field="percent")
    return salt, free[:wanted]


async def claim(conn: Connection, experiment: Experiment, slots: list[int]) -> None:
    """Slots become an experiment's, until it is finished."""
    await records.run(conn, "claim_slots", {"layer": experiment.layer, "slots": slots, "id": experiment.id})
