"""Routes of the gate's rules: purposes and channels, quiet hours and windows, frequency caps."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.params import Parameter

from antiphon.execution.delivery.model import MessageClassName
from antiphon.execution.delivery.rules import paths, purposes, service, store
from antiphon.execution.delivery.rules.model import Cap, Clocks, Purpose, Suitability, SuitabilityVerdict
from antiphon.execution.delivery.rules.paths import PathStep
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, delete, get, post, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class SuitabilityTable(msgspec.Struct, frozen=True, kw_only=True):
    """What messages may be for, and how channels suit it. What is not in ``rows`` is allowed."""

    purposes: list[Purpose]
    rows: list[Suitability]


class SuitabilityRow(Body, frozen=True, kw_only=True):
    """How a channel suits a purpose. ``reserve``: only with another channel. Defaults are taken in the order of ``rank``."""

    purpose: Word
    channel: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    verdict: SuitabilityVerdict
    rank: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class SuitabilityRows(Body, frozen=True, kw_only=True):
    """The whole table as it is to be."""

    rows: Annotated[list[SuitabilityRow], msgspec.Meta(max_length=500)]


class PurposeNew(Body, frozen=True, kw_only=True):
    """A purpose of people's own. ``name`` is what the API calls it; without one it is made of the title."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None


class PurposeBody(Body, frozen=True, kw_only=True):
    """What a purpose is called, and whether it is offered."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    archived: bool = False


class PathsBody(Body, frozen=True, kw_only=True):
    """The usual paths as they are to be; a class that is not named has none."""

    paths: dict[MessageClassName, Annotated[tuple[PathStep, ...], msgspec.Meta(max_length=6)]]


class CapBody(Body, frozen=True, kw_only=True):
    """At most ``most`` messages in any stretch of ``seconds``, of these classes, topics and channels together (empty: all)."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    most: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    seconds: Annotated[int, msgspec.Meta(ge=60, le=366 * 86_400)]
    classes: Annotated[list[MessageClassName], msgspec.Meta(min_length=1, max_length=6)]
    topics: Annotated[list[Word], msgspec.Meta(max_length=100)] = []
    channels: Annotated[list[Word], msgspec.Meta(max_length=20)] = []
    enabled: bool = True

    def values(self) -> dict[str, Any]:
        """By column."""
        return msgspec.structs.asdict(self)


@get("/v1/delivery/suitability", permission="delivery:read")
async def read_suitability(ctx: Context) -> SuitabilityTable:
    """Which channels suit which purposes of messages."""
    async with ctx.db.connection() as conn:
        return SuitabilityTable(purposes=await store.list_purposes(conn), rows=await store.list_suitability(conn))


@put("/v1/delivery/suitability", permission="delivery:rules")
async def write_suitability(ctx: Context, who: Principal, data: SuitabilityRows) -> SuitabilityTable:
    """Set the whole table. It is asked again at every hop and just before speaking."""
    rows = [Suitability(purpose=r.purpose, channel=r.channel, verdict=r.verdict, rank=r.rank) for r in data.rows]
    async with ctx.db.transaction() as conn:
        after = await service.set_suitability(ctx, conn, who, rows)
        return SuitabilityTable(purposes=await store.list_purposes(conn), rows=after)


@post("/v1/delivery/purposes", permission="delivery:rules")
async def add_purpose(ctx: Context, who: Principal, data: PurposeNew) -> Purpose:
    """A purpose of your own. Every channel is allowed for it until the table of suitability says otherwise."""
    async with ctx.db.transaction() as conn:
        return await purposes.add(conn, who, data.title, data.name)


@put("/v1/delivery/purposes/{name:str}", permission="delivery:rules")
async def change_purpose(ctx: Context, who: Principal, name: str, data: PurposeBody) -> Purpose:
    """Call a purpose otherwise, archive it or offer it again. What has an archived one keeps it."""
    async with ctx.db.transaction() as conn:
        return await purposes.change(ctx, conn, who, name, title=data.title, archived=data.archived)


@get("/v1/delivery/paths", permission="delivery:read")
async def read_paths(ctx: Context) -> dict[MessageClassName, tuple[PathStep, ...]]:
    """The usual path of each message class that has one: what a message does where its author says nothing of it."""
    async with ctx.db.connection() as conn:
        return await paths.read_paths(conn)


@put("/v1/delivery/paths", permission="delivery:rules")
async def write_paths(ctx: Context, who: Principal, data: PathsBody) -> dict[MessageClassName, tuple[PathStep, ...]]:
    """Set the usual paths of all classes. They hold for what begins from now on: a campaign's next occurrence, the next message;
    a triggered campaign and a journey's step keep the path they began with."""
    async with ctx.db.transaction() as conn:
        return await paths.set_paths(ctx, conn, who, data.paths)


@get("/v1/delivery/clocks", permission="delivery:read")
async def read_clocks(ctx: Context) -> Clocks:
    """Quiet hours and send windows by message class, and the clock of customers whose own is not known."""
    async with ctx.db.connection() as conn:
        return await service.read_clocks(conn)


@put("/v1/delivery/clocks", permission="delivery:rules")
async def write_clocks(ctx: Context, who: Principal, data: Clocks) -> Clocks:
    """Set quiet hours and send windows. Customers' own quiet hours go before these."""
    async with ctx.db.transaction() as conn:
        return await service.set_clocks(conn, who, data)


@get("/v1/delivery/caps", permission="delivery:read")
async def list_caps(ctx: Context) -> list[Cap]:
    """Frequency caps: how many messages somebody gets at most, over all campaigns."""
    async with ctx.db.connection() as conn:
        return await store.list_caps(conn)


@post("/v1/delivery/caps", permission="delivery:rules")
async def add_cap(ctx: Context, who: Principal, data: CapBody) -> Cap:
    """A new frequency cap; it counts what was said before it, too."""
    async with ctx.db.transaction() as conn:
        return await service.add_cap(ctx, conn, who, data.values())


@put("/v1/delivery/caps/{cap_id:int}", permission="delivery:rules")
async def change_cap(ctx: Context, who: Principal, cap_id: Id, data: CapBody) -> Cap:
    """Make a frequency cap another."""
    async with ctx.db.transaction() as conn:
        return await service.change_cap(ctx, conn, who, cap_id, data.values())


@delete("/v1/delivery/caps/{cap_id:int}", permission="delivery:rules")
async def delete_cap(ctx: Context, who: Principal, cap_id: Id) -> None:
    """Count no more by a cap."""
    async with ctx.db.transaction() as conn:
        await service.delete_cap(conn, who, cap_id)


RULE_ROUTES = [
    read_suitability, write_suitability, add_purpose, change_purpose, read_paths, write_paths, read_clocks, write_clocks,
    list_caps, add_cap, change_cap, delete_cap,
]  # fmt: skip
