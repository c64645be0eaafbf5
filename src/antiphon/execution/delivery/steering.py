"""What people do to accounts: the terms they are spoken through on, pausing and resuming them, and the rules between them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import AccountUnknown, Channels
from antiphon.execution.delivery import accounts, routing
from antiphon.execution.delivery.accounts import HealthState
from antiphon.execution.delivery.country import country_of, domain_of
from antiphon.execution.delivery.errors import RouteUnknown, TargetInvalid
from antiphon.execution.delivery.routing import Addressee, Match, Otherwise, Route, Strategy, Target
from antiphon.execution.delivery.service import SEND_LOOP
from antiphon.execution.delivery.terms import Terms, account_limits
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.principal import Principal

SQL = load_queries(Path(__file__).with_name("accounts.sql"))


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is: since when, its last error, and what came of it in the last quarter of an hour. ``failing`` is the
    part of it that was refused or found the account at fault; ``seconds`` how long a batch took, ``slowest`` the longest."""

    account_id: int
    channel: str
    provider: str
    name: str
    enabled: bool
    state: HealthState
    since: datetime
    until: datetime | None
    paused_by: str | None
    reason: str | None
    error: str | None
    error_at: datetime | None
    sent: int
    failed: int
    put_off: int
    unknown: int
    faults: int
    seconds: float | None
    slowest: float | None
    taken_today: int
    routes: int
    failing: float = 0.0
    terms: Terms = msgspec.field(default_factory=Terms)
    today: int | None = None
    """The most it may be given today, by its terms and its warm-up; None is no limit."""


class RouteDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it shall be. Without a ``position``: a new one is asked last, another stays where it is."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    match: Match = msgspec.field(default_factory=Match)
    strategy: Strategy = "in_order"
    otherwise: Otherwise = "wait"
    targets: Annotated[list[Target], msgspec.Meta(min_length=1, max_length=50)]
    enabled: bool = True
    position: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message would go: what was read from its address, and accounts that can be used now, best first."""

    country: str
    domain: str
    accounts: list[int]
    price_micros: int | None


async def health(ctx: Context, conn: Connection, account_id: int | None = None) -> list[AccountHealth]:
    """How accounts are, all or one. Raises AccountUnknown."""
    now = ctx.clock.now()
    async with conn.cursor(row_factory=struct_row(AccountHealth)) as cur:
        rows = await (await cur.execute(SQL.health, {"account_id": account_id, "now": now})).fetchall()
    if account_id is not None and not rows:
        raise AccountUnknown(account=account_id)
    known = {row[0]: row[1] for row in await (await conn.execute(SQL.all_terms)).fetchall()}
    return [_shown(row, msgspec.convert(known.get(row.account_id, {}), Terms), now) for row in rows]


def _shown(row: AccountHealth, terms: Terms, now: datetime) -> AccountHealth:
    said = row.sent + row.failed + row.put_off + row.unknown + row.faults
    most = [limit.per_day for limit in account_limits(terms, now).values() if limit.per_day is not None]
    return msgspec.structs.replace(
        row, terms=terms, failing=round((row.failed + row.faults) / said, 4) if said else 0.0, today=min(most, default=None)
    )


async def set_terms(ctx: Context, who: Principal, account_id: int, terms: Terms) -> AccountHealth:
    """The terms we speak through an account on. Raises AccountUnknown."""
    async with ctx.db.transaction() as conn:
        (before,) = await health(ctx, conn, account_id)
        params: dict[str, Any] = msgspec.structs.asdict(terms)
        for name in ("domains", "warmup", "prices"):
            value = params[name]
            params[name] = None if value is None else Jsonb(msgspec.to_builtins(value))
        await conn.execute(SQL.put_terms, params | {"account_id": account_id, "now": ctx.clock.now()})
        await audit(
            conn, who, action="delivery.terms", subject=f"channel_account:{account_id}", before=before.terms, after=terms
        )
        await wake(conn, SEND_LOOP)
        (after,) = await health(ctx, conn, account_id)
    return after


async def pause_account(ctx: Context, who: Principal, account_id: int, reason: str) -> AccountHealth:
    """Say nothing more through an account: what names it waits, what is routed goes elsewhere. Raises AccountUnknown."""
    async with ctx.db.transaction() as conn:
        await health(ctx, conn, account_id)
        await accounts.pause(conn, account_id, by=who.name, reason=reason, error=None, now=ctx.clock.now())
        await audit(conn, who, action="delivery.pause", subject=f"channel_account:{account_id}", after={"reason": reason})
        (after,) = await health(ctx, conn, account_id)
    return after


async def resume_account(ctx: Context, who: Principal, account_id: int) -> AccountHealth:
    """Use an account again that was paused, or rests. Raises AccountUnknown."""
    async with ctx.db.transaction() as conn:
        (before,) = await health(ctx, conn, account_id)
        await conn.execute(SQL.resume_account, {"account_id": account_id, "now": ctx.clock.now()})
        await audit(
            conn, who, action="delivery.resume", subject=f"channel_account:{account_id}",
            before={"state": before.state, "reason": before.reason}, after={"state": "working"},
        )  # fmt: skip
        await wake(conn, SEND_LOOP)
        (after,) = await health(ctx, conn, account_id)
    return after


async def find_route(conn: Connection, route_id: int) -> Route:
    """One rule. Raises RouteUnknown."""
    async with conn.cursor(row_factory=struct_row(Route)) as cur:
        found = await (await cur.execute(SQL.find_route, {"id": route_id})).fetchone()
    if found is None:
        raise RouteUnknown(route=route_id)
    return found


async def add_route(ctx: Context, who: Principal, channel: str, draft: RouteDraft) -> Route:
    """A new rule of a channel. Raises ChannelUnknown, TargetInvalid."""
    _ = ctx.get(ChannelRegistry)[channel]
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute(SQL.insert_route, _columns(ctx, draft) | {"channel": channel})).fetchone()
        assert row is not None
        await _put_targets(conn, row[0], channel, draft)
        route = await find_route(conn, row[0])
        await audit(conn, who, action="delivery.route_add", subject=f"delivery_route:{route.id}", after=route)
    return route


async def change_route(ctx: Context, who: Principal, route_id: int, draft: RouteDraft) -> Route:
    """A rule as it shall be. Raises RouteUnknown, TargetInvalid."""
    async with ctx.db.transaction() as conn:
        before = await find_route(conn, route_id)
        await conn.execute(SQL.update_route, _columns(ctx, draft) | {"id": route_id})
        await _put_targets(conn, route_id, before.channel, draft)
        route = await find_route(conn, route_id)
        await audit(conn, who, action="delivery.route_change", subject=f"delivery_route:{route_id}", before=before, after=route)
        await wake(conn, SEND_LOOP)
    return route


async def remove_route(ctx: Context, who: Principal, route_id: int) -> None:
    """A rule is gone. Raises RouteUnknown."""
    async with ctx.db.transaction() as conn:
        before = await find_route(conn, route_id)
        await conn.execute(SQL.delete_route, {"id": route_id})
        await audit(conn, who, action="delivery.route_remove", subject=f"delivery_route:{route_id}", before=before)


def _columns(ctx: Context, draft: RouteDraft) -> dict[str, Any]:
    return {
        "position": draft.position, "name": draft.name, "match": Jsonb(msgspec.to_builtins(draft.match)),
        "strategy": draft.strategy, "otherwise": draft.otherwise, "enabled": draft.enabled, "now": ctx.clock.now(),
    }  # fmt: skip


async def _put_targets(conn: Connection, route_id: int, channel: str, draft: RouteDraft) -> None:
    ids = [target.account_id for target in draft.targets]
    if len(set(ids)) != len(ids):
        raise TargetInvalid(field="targets", channel=channel)
    await conn.execute(SQL.clear_targets, {"route_id": route_id})
    shares = [target.share for target in draft.targets]
    params = {"route_id": route_id, "channel": channel, "accounts": ids, "shares": shares}
    put = await (await conn.execute(SQL.insert_targets, params)).fetchall()
    if len(put) != len(ids):
        raise TargetInvalid(field="targets", channel=channel)


async def try_route(
    ctx: Context, conn: Connection, channel: str, address: str, *, message_class: str, topic: str | None, purpose: str, one: int
) -> Choice:
    """Where a message to this address would go now. Raises ChannelUnknown."""
    _ = ctx.get(ChannelRegistry)[channel]
    known = accounts.Accounts(ctx.get(Channels), ctx.secret)
    await known.refresh(conn)
    to = Addressee(message_class, topic, purpose, country_of(address), domain_of(address), one)
    every = known.of_channel(channel)
    found = routing.candidates(
        known.routes(channel), every, to, key=ctx.secret, usable=known.usable, price=known.price
    )
    price = known.price(found[0], to.country) if found else None
    return Choice(country=to.country, domain=to.domain, accounts=found, price_micros=price)


