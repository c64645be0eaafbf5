"""Turns of limits: shared by all processes in one small table, taken in handfuls, given back when not used.

A turn taken is a message that may be said. Each limit is a row: its turns add up at its pace, to at most its burst (a generic
cell rate algorithm in business time), and are counted by day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from antiphon.execution.delivery.terms import Limit
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("accounts.sql"))
Scope = tuple[int, str]
"""An account, and '' for all of it, 'warm-up', or '@' and a domain."""


async def take(conn: Connection, wanted: Mapping[Scope, tuple[int, Limit]], now: datetime) -> dict[Scope, int]:
    """Turns for as many as are wanted, or as there are; limits are locked until the transaction ends."""
    if not wanted:
        return {}
    keys = sorted(wanted)
    params = {
        "accounts": [account for account, _ in keys],
        "scopes": [scope for _, scope in keys],
        "wants": [wanted[key][0] for key in keys],
        "gaps": [wanted[key][1].gap for key in keys],
        "bursts": [wanted[key][1].burst for key in keys],
        "per_days": [-1 if (most := wanted[key][1].per_day) is None else most for key in keys],
        "now": now,
    }
    await conn.execute(SQL.lock_pace, params)
    rows = await (await conn.execute(SQL.take_turns, params)).fetchall()
    granted = dict.fromkeys(keys, 0)
    granted.update({(account, scope): n for account, scope, n in rows})
    return granted


async def give_back(conn: Connection, unused: Mapping[Scope, tuple[int, Limit]]) -> None:
    """Turns that were taken and not used, in the transaction that took them."""
    keys = sorted(key for key, (count, _) in unused.items() if count)
    if not keys:
        return
    params = {
        "accounts": [account for account, _ in keys],
        "scopes": [scope for _, scope in keys],
        "counts": [unused[key][0] for key in keys],
        "gaps": [unused[key][1].gap for key in keys],
    }
    await conn.execute(SQL.return_turns, params)


async def forget(conn: Connection, now: datetime) -> None:
    """Limits that nobody used for two days."""
    await conn.execute(SQL.forget_pace, {"before": (now - timedelta(days=2)).date()})
