"""Routes of layers: experiments that exclude each other."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.decisioning.experiments import layers, records
from antiphon.decisioning.experiments.design import Layer
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, delete, get, put
from antiphon.foundation.principal import Principal

Name = Annotated[str, Parameter(pattern=r"^[a-z][a-z0-9_-]{0,39}$", max_length=40)]


class LayerChange(Body, frozen=True, kw_only=True):
    """What a layer is called."""

    title: Annotated[str, msgspec.Meta(max_length=200)] = ""


@get("/v1/layers", permission="experiments:read")
async def list_layers(ctx: Context) -> list[Layer]:
    """Layers, how much of each is free, and the experiments that have the rest."""
    async with ctx.db.connection() as conn:
        return await records.list_layers(conn)


@put("/v1/layers/{name:str}", permission="experiments:write")
async def put_layer(ctx: Context, who: Principal, name: Name, data: LayerChange) -> Layer:
    """Make a layer, or give it another title."""
    async with ctx.db.transaction() as conn:
        return await layers.put_layer(ctx, conn, who, name, data.title)


@delete("/v1/layers/{name:str}", permission="experiments:write", problems=(404, 409))
async def delete_layer(ctx: Context, who: Principal, name: Name) -> None:
    """Throw away a layer no experiment is of."""
    async with ctx.db.transaction() as conn:
        await layers.remove_layer(conn, who, name)


ROUTES = (list_layers, put_layer, delete_layer)
