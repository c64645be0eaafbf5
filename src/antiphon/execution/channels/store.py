"""The only code that runs this room's SQL."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


class AccountRow(msgspec.Struct, frozen=True):
    """A row of ``channel_account``, secrets still sealed."""

    id: int
    channel: str
    provider: str
    name: str
    settings: dict[str, Any]
    sealed: bytes
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime


async def find_account(conn: Connection, account_id: int) -> AccountRow | None:
    """One account, or None."""
    async with conn.cursor(row_factory=struct_row(AccountRow)) as cur:
        await cur.execute(QUERIES.find_account, {"id": account_id})
        return await cur.fetchone()


async def list_accounts(conn: Connection, channel: str | None) -> list[AccountRow]:
    """All accounts, of one channel or of every one."""
    async with conn.cursor(row_factory=struct_row(AccountRow)) as cur:
        await cur.execute(QUERIES.list_accounts, {"channel": channel})
        return await cur.fetchall()


async def insert_account(
    conn: Connection,
    *,
    channel: str,
    provider: str,
    name: str,
    settings: dict[str, Any],
    sealed: bytes,
    enabled: bool,
    now: datetime,
) -> AccountRow | None:
    """The new row, or None if the channel already has an account of that name."""
    async with conn.cursor(row_factory=struct_row(AccountRow)) as cur:
        await cur.execute(
            QUERIES.insert_account,
            {
                "channel": channel,
                "provider": provider,
                "name": name,
                "settings": Jsonb(settings),
                "sealed": sealed,
                "enabled": enabled,
                "now": now,
            },
        )
        return await cur.fetchone()


async def update_account(
    conn: Connection,
    account_id: int,
    *,
    name: str,
    settings: dict[str, Any],
    sealed: bytes,
    enabled: bool,
    now: datetime,
) -> AccountRow | None:
    """The changed row, or None if it is gone."""
    async with conn.cursor(row_factory=struct_row(AccountRow)) as cur:
        await cur.execute(
            QUERIES.update_account,
            {
                "id": account_id,
                "name": name,
                "settings": Jsonb(settings),
                "sealed": sealed,
                "enabled": enabled,
                "now": now,
            },
        )
        return await cur.fetchone()


async def delete_account(conn: Connection, account_id: int) -> bool:
    """Remove it; whether it was there."""
    return (await conn.execute(QUERIES.delete_account, {"id": account_id})).rowcount == 1
