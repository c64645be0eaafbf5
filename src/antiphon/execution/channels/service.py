"""The room's verbs: accounts are made, changed, tried and removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from antiphon.execution.channels import store
from antiphon.execution.channels.errors import (
    AccountInUse,
    AccountNameTaken,
    AccountUnknown,
    SettingsInvalid,
)
from antiphon.execution.channels.model import Channel, Size, Trial
from antiphon.execution.channels.registry import Channels, open_account
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Principal
from antiphon.foundation.http.body import field_of
from antiphon.foundation.postgres import (
    Connection,
    ForeignKeyViolation,
    UniqueViolation,
)


class AccountItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account as anybody may see it: secrets are only said to be set."""

    id: int
    channel: str
    provider: str
    name: str
    settings: dict[str, Any]
    secrets_set: list[str]
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime


def shown(channels: Channels, row: store.AccountRow) -> AccountItem:
    """A row without its secrets."""
    return AccountItem(
        id=row.id,
        channel=row.channel,
        provider=row.provider,
        name=row.name,
        settings=row.settings,
        secrets_set=sorted(name for name, value in channels.seal.open(row.sealed, row.channel).items() if value),
        enabled=row.enabled,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def split_settings(
    channel: Channel, settings: Mapping[str, Any], kept: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check settings against the channel's schema and part them into plain ones and secrets.

    A secret that is absent or null keeps its value in ``kept``. Raises `SettingsInvalid`, naming the field.
    """
    secrets = channel.manifest.secrets
    given = {name: value for name, value in settings.items() if not (name in secrets and value is None)}
    whole = {**{name: value for name, value in kept.items() if name in secrets}, **given}
    try:
        typed = msgspec.convert(whole, channel.manifest.settings)
    except msgspec.ValidationError as bad:
        rule, path = field_of(str(bad))
        named, colon, rest = rule.partition(": ")  # a rule over several fields begins with the one at fault
        if path is None and colon and named in channel.manifest.settings.__struct_fields__:
            path, rule = named, rest
        raise SettingsInvalid(rule, field=f"settings.{path}" if path else "settings") from bad
    complete: dict[str, Any] = msgspec.to_builtins(typed)
    return (
        {name: value for name, value in complete.items() if name not in secrets},
        {name: value for name, value in complete.items() if name in secrets},
    )


def _refuse_elsewhere(
    channel: Channel, before: Mapping[str, Any], after: Mapping[str, Any], kept: Mapping[str, Any], said: Mapping[str, Any]
) -> None:
    """A secret nobody is shown is not sent to another place either, unless it is said again. Raises `SettingsInvalid`."""
    for secret, place in channel.manifest.sent_to.items():
        if kept.get(secret) and said.get(secret) is None and after.get(place) != before.get(place):
            raise SettingsInvalid("has to be entered again: it would be sent elsewhere", field=f"settings.{secret}")


async def list_accounts(ctx: Context, channel: str | None) -> list[AccountItem]:
    """All accounts, or those of one channel."""
    channels = ctx.get(Channels)
    async with ctx.db.connection() as conn:
        return [shown(channels, row) for row in await store.list_accounts(conn, channel) if row.provider in channels]


async def read_account(ctx: Context, account_id: int) -> AccountItem:
    """One account. Raises `AccountUnknown`."""
    async with ctx.db.connection() as conn:
        return shown(ctx.get(Channels), await _row(conn, account_id))


async def add_account(
    ctx: Context,
    who: Principal,
    *,
    channel: str,
    name: str,
    settings: Mapping[str, Any],
    provider: str = "",
    enabled: bool = True,
) -> AccountItem:
    """A new account. Raises `ChannelUnknown`, `ProviderUnknown`, `SettingsInvalid`, `AccountNameTaken`."""
    channels = ctx.get(Channels)
    kind = channels.of(channel, provider)
    plain, secrets = split_settings(kind, settings, {})
    async with ctx.db.transaction() as conn:
        row = await store.insert_account(
            conn,
            channel=channel,
            provider=kind.manifest.name,
            name=name,
            settings=plain,
            sealed=channels.seal.close(secrets, channel),
            enabled=enabled,
            now=ctx.clock.now(),
        )
        if row is None:
            raise AccountNameTaken(name=name, field="name")
        item = shown(channels, row)
        await audit(conn, who, action="channels.add", subject=f"channel_account:{row.id}", before=None, after=item)
    return item


async def change_account(
    ctx: Context, who: Principal, account_id: int, *, name: str, settings: Mapping[str, Any], enabled: bool
) -> AccountItem:
    """Replace an account; secrets that are not given stay. Raises as `add_account`, and `AccountUnknown`."""
    channels = ctx.get(Channels)
    async with ctx.db.transaction() as conn:
        old = await _row(conn, account_id)
        kept = channels.seal.open(old.sealed, old.channel)
        plain, secrets = split_settings(channels[old.provider], settings, kept)
        _refuse_elsewhere(channels[old.provider], old.settings, plain, kept, settings)
        try:
            row = await store.update_account(
                conn,
                account_id,
                name=name,
                settings=plain,
                sealed=channels.seal.close(secrets, old.channel),
                enabled=enabled,
                now=ctx.clock.now(),
            )
        except UniqueViolation as taken:
            raise AccountNameTaken(name=name, field="name") from taken
        if row is None:
            raise AccountUnknown(account=account_id)
        item = shown(channels, row)
        await audit(
            conn,
            who,
            action="channels.change",
            subject=f"channel_account:{account_id}",
            before=shown(channels, old),
            after=item,
        )
    return item


async def remove_account(ctx: Context, who: Principal, account_id: int) -> None:
    """Delete an account nothing refers to. Raises `AccountUnknown`, `AccountInUse`."""
    channels = ctx.get(Channels)
    async with ctx.db.transaction() as conn:
        before = shown(channels, await _row(conn, account_id))
        try:
            await store.delete_account(conn, account_id)
        except ForeignKeyViolation as used:
            raise AccountInUse() from used
        await audit(conn, who, action="channels.remove", subject=f"channel_account:{account_id}", before=before, after=None)


async def try_account(ctx: Context, account_id: int) -> Trial:
    """Connect and sign in with an account, outside any transaction."""
    channels = ctx.get(Channels)
    async with ctx.db.connection() as conn:
        row = await _row(conn, account_id)
    channel = channels[row.provider]
    return await channel.test(open_account(channel, row, channels.seal))


async def measure_text(ctx: Context, channel: str, text: str, account_id: int | None) -> Size | None:
    """The size of a text on a channel, by an account of it if one is named. Raises `ChannelUnknown`, `AccountUnknown`."""
    channels = ctx.get(Channels)
    account = None
    if account_id is not None:
        async with ctx.db.connection() as conn:
            account = await channels.account(conn, account_id)
        if account.channel != channel:
            raise AccountUnknown(account=account_id, field="account_id")
    return channels.measure(channel, text, account)


async def _row(conn: Connection, account_id: int) -> store.AccountRow:
    row = await store.find_account(conn, account_id)
    if row is None:
        raise AccountUnknown(account=account_id)
    return row
