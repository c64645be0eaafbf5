"""Routes of channel accounts and the forms they are filled in with."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.params import Parameter

from antiphon.execution.channels import service
from antiphon.execution.channels.model import Capabilities, Channel, Size, Trial
from antiphon.execution.channels.registry import Channels
from antiphon.execution.channels.service import AccountItem
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Principal, delete, get, post, put

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
PathId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class NewAccount(Body, frozen=True, kw_only=True):
    """An account on a channel; its settings follow the provider's own schema. Without a provider: the channel's default."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    provider: Annotated[str, msgspec.Meta(max_length=40)] = ""
    name: Name
    settings: dict[str, Any]
    enabled: bool = True


class ChangedAccount(Body, frozen=True, kw_only=True):
    """An account as it shall be; a secret that is absent or null stays as it is."""

    name: Name
    settings: dict[str, Any]
    enabled: bool = True


class KindItem(msgspec.Struct, frozen=True, kw_only=True):
    """A provider there is (``name``) and its channel: what it can do, and the JSON schema of its accounts' settings."""

    name: str
    title: str
    channel: str
    channel_title: str
    default: bool
    identity: str
    capabilities: Capabilities
    settings_schema: dict[str, Any]
    secrets: list[str]


def _kind(channel: Channel) -> KindItem:
    manifest = channel.manifest
    (schema,), parts = msgspec.json.schema_components([manifest.settings], ref_template="#/$defs/{name}")
    name = schema["$ref"].rpartition("/")[2]
    return KindItem(
        name=manifest.name,
        title=manifest.title,
        channel=manifest.channel,
        channel_title=manifest.channel_title,
        default=manifest.default,
        identity=manifest.identity,
        capabilities=manifest.capabilities,
        settings_schema=parts[name],
        secrets=sorted(manifest.secrets),
    )


@get("/v1/channels/kinds", permission="channels:read")
async def list_kinds(ctx: Context) -> list[KindItem]:
    """The providers of this installation's channels, each with the form its accounts need."""
    return [_kind(channel) for channel in ctx.get(Channels)]


@get("/v1/channels", permission="channels:read")
async def list_accounts(ctx: Context, channel: str | None = None) -> list[AccountItem]:
    """Accounts on channels, without their secrets."""
    return await service.list_accounts(ctx, channel)


@post("/v1/channels", permission="channels:write", problems=(404, 409))
async def add_account(ctx: Context, who: Principal, data: NewAccount) -> AccountItem:
    """Set up an account."""
    return await service.add_account(
        ctx, who, channel=data.channel, provider=data.provider, name=data.name, settings=data.settings, enabled=data.enabled
    )


@get("/v1/channels/{account_id:int}", permission="channels:read")
async def read_account(ctx: Context, account_id: PathId) -> AccountItem:
    """One account, without its secrets."""
    return await service.read_account(ctx, account_id)


@put("/v1/channels/{account_id:int}", permission="channels:write", problems=(409,))
async def change_account(ctx: Context, who: Principal, account_id: PathId, data: ChangedAccount) -> AccountItem:
    """Change an account; connections with the old settings are dropped."""
    return await service.change_account(ctx, who, account_id, name=data.name, settings=data.settings, enabled=data.enabled)


@delete("/v1/channels/{account_id:int}", permission="channels:write", problems=(409,))
async def remove_account(ctx: Context, who: Principal, account_id: PathId) -> None:
    """Remove an account nothing refers to."""
    await service.remove_account(ctx, who, account_id)


@post("/v1/channels/{account_id:int}/test", permission="channels:write", status=200)
async def try_account(ctx: Context, account_id: PathId) -> Trial:
    """Connect and sign in as a send would, without sending."""
    return await service.try_account(ctx, account_id)


class MeasureRequest(Body, frozen=True, kw_only=True):
    """A text, and the channel it is for; the settings of an account count if one is named."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    text: Annotated[str, msgspec.Meta(max_length=100_000)]
    account_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None


class MeasuredText(msgspec.Struct, frozen=True, kw_only=True):
    """A text's size; null where messages are not paid by the part."""

    size: Size | None


@post("/v1/channels/measure", permission="channels:read", status=200, problems=(404,))
async def measure_text(ctx: Context, data: MeasureRequest) -> MeasuredText:
    """How many parts a text takes, and why."""
    return MeasuredText(size=await service.measure_text(ctx, data.channel, data.text, data.account_id))


ROUTES = [list_kinds, list_accounts, add_account, read_account, change_account, remove_account, try_account, measure_text]
