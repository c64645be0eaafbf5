"""Routes for accounts as delivery sees them: how they are, on which terms they are used, and which a message takes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.execution.delivery import accounts, steering
from antiphon.execution.delivery.model import MessageClassName
from antiphon.execution.delivery.routing import Route
from antiphon.execution.delivery.steering import AccountHealth, Choice, RouteDraft
from antiphon.execution.delivery.terms import Terms
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, delete, get, post, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class TermsBody(Terms, Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits, warm-up and prices of an account; what is left out is none, and the provider's own price."""


class PauseBody(Body, frozen=True, kw_only=True):
    """Why an account is paused, for who reads it later."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class ChangedRoute(RouteDraft, Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it shall be. Without a position it stays where it is, and a new one is asked last."""


class NewRoute(ChangedRoute, frozen=True, kw_only=True):
    """A rule of a channel."""

    channel: Channel


class RouteExample(Body, frozen=True, kw_only=True):
    """A message to ask the rules about."""

    channel: Channel
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    message_class: MessageClassName = "marketing"
    topic: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    purpose: Annotated[str, msgspec.Meta(max_length=100)] = ""
    profile_id: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0


@get("/v1/delivery/accounts", permission="delivery:read")
async def list_health(ctx: Context) -> list[AccountHealth]:
    """How every account is: working, resting because it did not answer, or paused; with its terms and rates."""
    async with ctx.db.connection() as conn:
        return await steering.health(ctx, conn)


@get("/v1/delivery/accounts/{account_id:int}", permission="delivery:read")
async def read_health(ctx: Context, account_id: Id) -> AccountHealth:
    """How one account is."""
    async with ctx.db.connection() as conn:
        return (await steering.health(ctx, conn, account_id))[0]


@put("/v1/delivery/accounts/{account_id:int}/terms", permission="delivery:accounts")
async def set_terms(ctx: Context, who: Principal, account_id: Id, data: TermsBody) -> AccountHealth:
    """Set the limits, the warm-up and the prices of an account."""
    return await steering.set_terms(ctx, who, account_id, data)


@post("/v1/delivery/accounts/{account_id:int}/pause", permission="delivery:accounts", status=200)
async def pause_account(ctx: Context, who: Principal, account_id: Id, data: PauseBody) -> AccountHealth:
    """Say nothing more through an account. No message is lost: those that name it wait, others go elsewhere."""
    return await steering.pause_account(ctx, who, account_id, data.reason)


@post("/v1/delivery/accounts/{account_id:int}/resume", permission="delivery:accounts", status=200)
async def resume_account(ctx: Context, who: Principal, account_id: Id) -> AccountHealth:
    """Use an account again that was paused, or that rests."""
    return await steering.resume_account(ctx, who, account_id)


@get("/v1/delivery/routes", permission="delivery:read")
async def list_routes(ctx: Context, channel: str | None = None) -> list[Route]:
    """The rules by which messages that name no account take one, in the order they are asked."""
    async with ctx.db.connection() as conn:
        return await accounts.all_routes(conn, channel)


@get("/v1/delivery/routes/{route_id:int}", permission="delivery:read")
async def read_route(ctx: Context, route_id: Id) -> Route:
    """One rule."""
    async with ctx.db.connection() as conn:
        return await steering.find_route(conn, route_id)


@post("/v1/delivery/routes", permission="delivery:accounts", problems=(404,))
async def add_route(ctx: Context, who: Principal, data: NewRoute) -> Route:
    """Add a rule."""
    return await steering.add_route(ctx, who, data.channel, data)


@put("/v1/delivery/routes/{route_id:int}", permission="delivery:accounts")
async def change_route(ctx: Context, who: Principal, route_id: Id, data: ChangedRoute) -> Route:
    """Change a rule."""
    return await steering.change_route(ctx, who, route_id, data)


@delete("/v1/delivery/routes/{route_id:int}", permission="delivery:accounts")
async def remove_route(ctx: Context, who: Principal, route_id: Id) -> None:
    """Remove a rule."""
    await steering.remove_route(ctx, who, route_id)


@post("/v1/delivery/routes/try", permission="delivery:read", status=200, problems=(404,))
async def try_route(ctx: Context, data: RouteExample) -> Choice:
    """Ask the rules where a message would go now."""
    async with ctx.db.connection() as conn:
        return await steering.try_route(
            ctx, conn, data.channel, data.address, message_class=data.message_class, topic=data.topic, purpose=data.purpose,
            one=data.profile_id,
        )  # fmt: skip


STEERING_ROUTES = [
    list_health, read_health, set_terms, pause_account, resume_account, list_routes, read_route, add_route, change_route,
    remove_route, try_route,
]  # fmt: skip
