"""Routes of the suppression list: look, add one or many, let go, bring a list and take it along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import Parameter
from litestar.response import Stream

from antiphon.awareness.consent import service, store
from antiphon.awareness.consent.listing import MOST_BYTES, Refused, read_list
from antiphon.awareness.consent.model import (
    ChannelRegistry,
    NotAnAddress,
    Suppressed,
    SuppressionReason,
    listed_address,
    normal_address,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, InvalidCursor, Limit, Page, decode_cursor, delete, encode_cursor, get, post
from antiphon.foundation.principal import Principal
from antiphon.foundation.sheets import lines

ChannelName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
AtLatest = Annotated[datetime, msgspec.Meta(tz=True)]
COLUMNS = ("channel", "address", "reason", "at", "expires_at", "source", "note")
AT_ONCE = 2_000


class NewSuppression(Body, frozen=True, kw_only=True):
    """An address to write to no more; with `expires_at` only until then."""

    channel: ChannelName
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reason: SuppressionReason = "manual"
    expires_at: AtLatest | None = None
    note: Annotated[str, msgspec.Meta(max_length=400)] = ""


class NewSuppressions(Body, frozen=True, kw_only=True):
    """Up to a thousand of them, all or nothing."""

    suppressions: Annotated[list[NewSuppression], msgspec.Meta(min_length=1, max_length=1000)]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries were news, and the lines of a file that could not be read (the first hundred of them)."""

    listed: int
    refused: int = 0
    why: list[Refused] = []


@get("/v1/suppressions", permission="consent:read")
async def list_suppressions(
    ctx: Context,
    channel: str | None = None,
    reason: SuppressionReason | None = None,
    address: Annotated[str | None, Parameter(max_length=400, description="Beginning of the address")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[store.SuppressionRow]:
    """Addresses nothing is sent to, newest first."""
    after = decode_cursor(cursor, str, str, str)
    place = _instant_place(after) if after else None
    prefix = address.strip().lower() if address else None
    async with ctx.db.connection() as conn:
        rows = await store.list_suppressions(conn, channel=channel, reason=reason, prefix=prefix, after=place, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    more = encode_cursor(last.at.isoformat(), last.channel, last.address) if last else None
    return Page(items=rows[:limit], next=more)


def _instant_place(after: tuple[int | str | float | None, ...]) -> tuple[datetime, str, str]:
    try:
        at = datetime.fromisoformat(str(after[0]))
    except ValueError:
        raise InvalidCursor(field="cursor") from None
    if at.tzinfo is None:
        raise InvalidCursor(field="cursor")
    return at, str(after[1]), str(after[2])


def _entry(ctx: Context, who: Principal, new: NewSuppression, place: str = "") -> Suppressed:
    channel = ctx.get(ChannelRegistry)[new.channel]
    address = listed_address(channel.identity, new.address)
    if address is None:
        raise NotAnAddress(field=f"{place}address", address=new.address[:60], channel=channel.name)
    return Suppressed(
        channel=channel.name,
        address=address,
        reason=new.reason,
        source=who.subject,
        at=ctx.clock.now(),
        expires_at=new.expires_at,
        note=new.note,
    )


@post("/v1/suppressions", permission="consent:write")
async def add_suppression(ctx: Context, who: Principal, data: NewSuppression) -> store.SuppressionRow:
    """Write to an address no more, on one channel, whoever it belongs to."""
    row = _entry(ctx, who, data)
    async with ctx.db.transaction() as conn:
        await service.suppress(ctx, conn, [row])
        await audit(
            conn, who, action="consent.suppress", subject=f"suppression:{row.channel}:{row.address}", before=None,
            after={"reason": row.reason, "expires_at": row.expires_at, "note": row.note},
        )  # fmt: skip
    return store.SuppressionRow(**msgspec.structs.asdict(row))


@post("/v1/suppressions/many", permission="consent:write", status=200)
async def add_suppressions(ctx: Context, who: Principal, data: NewSuppressions) -> Listed:
    """Write to many addresses no more."""
    rows = [_entry(ctx, who, new, f"suppressions[{n}].") for n, new in enumerate(data.suppressions)]
    async with ctx.db.transaction() as conn:
        listed = await service.suppress(ctx, conn, rows)
        await audit(conn, who, action="consent.suppress_many", subject="suppressions", before=None, after={"listed": listed})
    return Listed(listed=listed)


@post("/v1/suppressions/file", permission="consent:manage", status=200, max_body=MOST_BYTES, problems=(413,))
async def bring_list(
    ctx: Context,
    who: Principal,
    request: Request[Any, Any, Any],
    channel: Annotated[str, Parameter(min_length=1, max_length=40, description="For lines that name no channel")] = "email",
) -> Listed:
    """Bring a list as CSV, the body itself: a column `address`, and if you like `channel`, `reason`, `expires_at`, `note`.

    One column without a head is a list of addresses. Lines that cannot be read are counted and left out.
    """
    read = read_list(await request.body(), ctx.get(ChannelRegistry), channel, source=who.subject, now=ctx.clock.now())
    listed = 0
    for start in range(0, len(read.entries), AT_ONCE):
        async with ctx.db.transaction() as conn:
            listed += await service.suppress(ctx, conn, read.entries[start : start + AT_ONCE])
    async with ctx.db.transaction() as conn:
        await audit(
            conn, who, action="consent.suppress_file", subject="suppressions", before=None,
            after={"listed": listed, "refused": read.refused},
        )  # fmt: skip
    return Listed(listed=listed, refused=read.refused, why=read.why)


@get("/v1/suppressions/list.csv", permission="consent:manage", media_type="text/csv")
async def take_list(ctx: Context, who: Principal) -> Stream:
    """The whole list as CSV. No cell of it is taken for a formula."""
    async with ctx.db.transaction() as conn:
        await audit(conn, who, action="consent.export_suppressions", subject="suppressions")
    return Stream(
        _sheet(ctx), media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="suppressions.csv"', "cache-control": "no-store"},
    )  # fmt: skip


async def _sheet(ctx: Context) -> AsyncIterator[bytes]:
    yield lines([COLUMNS])
    after: tuple[datetime, str, str] | None = None
    while True:
        async with ctx.db.connection() as conn:
            found = await store.list_suppressions(conn, channel=None, reason=None, prefix=None, after=after, limit=AT_ONCE)
        if found:
            yield lines([[getattr(row, column) for column in COLUMNS] for row in found])
            after = (found[-1].at, found[-1].channel, found[-1].address)
        if len(found) < AT_ONCE:
            return


@delete("/v1/suppressions/{channel:str}/{address:str}", permission="consent:write")
async def remove_suppression(ctx: Context, who: Principal, channel: str, address: str) -> None:
    """Allow an address to be written to again."""
    kind = ctx.get(ChannelRegistry)[channel]
    address = normal_address(kind.identity, address)
    async with ctx.db.transaction() as conn:
        row = await service.unsuppress(ctx, conn, kind.name, address)
        await audit(
            conn, who, action="consent.unsuppress", subject=f"suppression:{kind.name}:{address}",
            before={"reason": row.reason if row else "erased", "note": row.note if row else ""}, after=None,
        )  # fmt: skip


SUPPRESSION_ROUTES = (
    list_suppressions, add_suppression, add_suppressions, bring_list, take_list, remove_suppression,
)  # fmt: skip
