"""The process's channels: found by entry point, opened once, and the accounts they speak through, kept warm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points

import msgspec

from antiphon.awareness.consent import ChannelKind, ChannelRegistry
from antiphon.execution.channels import store
from antiphon.execution.channels.errors import (
    AccountUnknown,
    ChannelUnknown,
    ProviderUnknown,
)
from antiphon.execution.channels.model import Account, Channel, Measuring, Size
from antiphon.execution.channels.seal import Seal
from antiphon.foundation.context import Context
from antiphon.foundation.outbound import permit
from antiphon.foundation.postgres import Connection

ENTRY_POINTS = "antiphon.channels"
SANDBOX = "antiphon.channels.sandbox"


class Channels:
    """Every provider this process knows, by name. One object a process: connection pools live in its providers."""

    def __init__(self, channels: dict[str, Channel], seal: Seal, base_url: str = "") -> None:
        self._channels = channels
        self._seal = seal
        self._base_url = base_url
        self._accounts: dict[int, Account] = {}

    @property
    def seal(self) -> Seal:
        """What encrypts and decrypts accounts' secrets."""
        return self._seal

    def __getitem__(self, name: str) -> Channel:
        try:
            return self._channels[name]
        except KeyError:
            raise ChannelUnknown(field="channel", channel=name) from None

    def of(self, channel: str, provider: str = "") -> Channel:
        """A channel's provider, its default one if none is named. Raises `ChannelUnknown`, `ProviderUnknown`."""
        found = [c for c in self if c.manifest.channel == channel]
        if not found:
            raise ChannelUnknown(field="channel", channel=channel)
        for one in found:
            if one.manifest.name == provider or (not provider and one.manifest.default):
                return one
        if not provider:
            return found[0]
        raise ProviderUnknown(field="provider", channel=channel, provider=provider)

    def measure(self, channel: str, text: str, account: Account | None = None) -> Size | None:
        """The size of a text on a channel that is paid by the part; None on others. Raises `ChannelUnknown`."""
        provider = self[account.provider] if account is not None else self.of(channel)
        return provider.measure(text, account) if isinstance(provider, Measuring) else None

    def __contains__(self, name: object) -> bool:
        return name in self._channels

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels.values())

    async def account(self, conn: Connection, account_id: int) -> Account:
        """The account with its secrets in clear; decoded once for each version of it. Raises `AccountUnknown`."""
        row = await store.find_account(conn, account_id)
        if row is None:
            raise AccountUnknown(account=account_id)
        known = self._accounts.get(account_id)
        if known is None or known.version != row.version:
            known = self._accounts[account_id] = open_account(
                self[row.provider], row, self._seal, self._base_url
            )
        return known

    async def accounts(self, conn: Connection, channel: str) -> list[Account]:
        """The accounts of a channel that are switched on, oldest first."""
        rows = await store.list_accounts(conn, channel)
        return [await self.account(conn, row.id) for row in rows if row.enabled]

    async def close(self) -> None:
        """Close every channel's connections."""
        for channel in self._channels.values():
            await channel.close()


def open_account(channel: Channel, row: store.AccountRow, seal: Seal, base_url: str = "") -> Account:
    """Join a stored row's plain and sealed settings into a typed account."""
    settings = row.settings | seal.open(row.sealed, row.channel)
    return Account(
        id=row.id,
        channel=row.channel,
        provider=row.provider,
        name=row.name,
        settings=msgspec.convert(settings, channel.manifest.settings),
        enabled=row.enabled,
        version=row.version,
        callback_url=f"{base_url}/callbacks/{row.id}" if base_url else "",
    )


def discover(*, sandbox: bool = False) -> dict[str, Channel]:
    """Load every registered provider, built-in or not, from the entry-point group; with ``sandbox`` also the sandbox's."""
    found: dict[str, Channel] = {}
    points = [*entry_points(group=ENTRY_POINTS), *(entry_points(group=SANDBOX) if sandbox else ())]
    for point in sorted(points, key=lambda p: p.name):
        channel: Channel = point.load()()
        found[channel.manifest.name] = channel
    return found


@asynccontextmanager
async def open_channels(ctx: Context) -> AsyncIterator[Channels]:
    """The resource: opened at the process's start, its pools closed at its end."""
    permit(ctx.settings.outbound_hosts)
    channels = Channels(discover(sandbox=ctx.settings.sandbox), Seal(ctx.secret), ctx.settings.base_url)
    if ctx.has(ChannelRegistry):
        for channel in channels:
            kind = channel.manifest
            ctx.get(ChannelRegistry).add(ChannelKind(name=kind.channel, identity=kind.identity, title=kind.channel_title))
    try:
        yield channels
    finally:
        await channels.close()
