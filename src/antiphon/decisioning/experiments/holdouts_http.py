"""Routes of holdouts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.decisioning.experiments import holdouts, store
from antiphon.decisioning.experiments.model import Holdout, Period
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, delete, get, put
from antiphon.foundation.principal import Principal

Name = Annotated[
    str, Parameter(pattern=r"^[a-z][a-z0-9_-]{0,39}$", max_length=40, description="`universal` is kept out of all marketing")
]


class HoldoutChange(Body, frozen=True, kw_only=True):
    """Who is held out: how many percent of everybody, and for how long the same people. ``redraw`` picks others now."""

    percent: Annotated[float, msgspec.Meta(ge=0, le=50)]
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    period: Period = "always"
    enabled: bool = True
    redraw: bool = False


@get("/v1/holdouts", permission="experiments:read")
async def list_holdouts(ctx: Context) -> list[Holdout]:
    """Groups of people who are not written to, to measure what messages do."""
    async with ctx.db.connection() as conn:
        return await store.list_holdouts(conn)


@put("/v1/holdouts/{name:str}", permission="experiments:write")
async def put_holdout(ctx: Context, who: Principal, name: Name, data: HoldoutChange) -> Holdout:
    """Hold people out; those of `universal` get no marketing."""
    async with ctx.db.transaction() as conn:
        return await holdouts.set_holdout(
            ctx, conn, who, name, title=data.title, percent=data.percent, period=data.period, enabled=data.enabled,
            redraw=data.redraw,
        )  # fmt: skip


@delete("/v1/holdouts/{name:str}", permission="experiments:write")
async def delete_holdout(ctx: Context, who: Principal, name: Name) -> None:
    """Hold nobody out by this name any more."""
    async with ctx.db.transaction() as conn:
        await holdouts.remove_holdout(conn, who, name)


ROUTES = [list_holdouts, put_holdout, delete_holdout]
