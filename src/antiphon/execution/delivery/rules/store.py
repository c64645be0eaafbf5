"""The only code that runs the SQL of the gate's rules, and keeps them at hand until they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import msgspec

from antiphon.decisioning.experiments import Holdout, universal_holdout
from antiphon.execution.delivery.gate.quiet import DAY, Hours, Window, minutes
from antiphon.execution.delivery.model import Dispatch, MessageClassName
from antiphon.execution.delivery.rules.model import Cap, Kind, Purpose, Rules, Suitability, urgency
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database, Jsonb, dict_row, load_queries, struct_row
from antiphon.foundation.postgres.binary import jsonbs, texts

T = TypeVar("T")
SQL = load_queries(Path(__file__).with_name("queries.sql"))


class Rulebook:
    """A process's copy of the rules. Whoever judges compares its version with the database's, in the statement that looks."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Database, Rules] = WeakKeyDictionary()

    async def of(self, ctx: Context, conn: Connection) -> Rules:
        """The rules as far as is known; the newest when none are."""
        found = self._known.get(ctx.db)
        return found if found is not None else await self.anew(ctx, conn)

    async def anew(self, ctx: Context, conn: Connection) -> Rules:
        """The newest rules."""
        rules = self._known[ctx.db] = await current_rules(conn)
        return rules

    async def forget(self, ctx: Context) -> None:
        """Rules read in a transaction that was undone are nobody's."""
        self._known.pop(ctx.db, None)


def is_current(rules: Rules, version: int, universal_at: datetime | None) -> bool:
    """Whether these are the rules of the version the database has."""
    held: Holdout | None = rules.universal
    return rules.version == version and (held.updated_at if held else None) == universal_at


async def current_rules(conn: Connection) -> Rules:
    """All rules as they stand."""
    row = await read_rule(conn)
    return Rules(
        version=row["version"],
        zone=ZoneInfo(row["timezone"]),
        quiet={name: Hours(minutes(one["from"]), minutes(one["to"])) for name, one in row["quiet"].items()},
        windows={name: tuple(map(_window, some)) for name, some in row["windows"].items()},
        caps=tuple(await list_caps(conn)),
        suitability=tuple(await list_suitability(conn)),
        kinds=tuple(await _all(conn, SQL.list_kinds, Kind)),
        universal=await universal_holdout(conn),
    )


def _window(one: Mapping[str, Any]) -> Window:
    until = minutes(one["to"])
    return Window(tuple(one["days"]), minutes(one["from"]), until or DAY)


async def _all(conn: Connection, query: Any, of: type[T]) -> list[T]:
    async with conn.cursor(row_factory=struct_row(of)) as cur:
        return await (await cur.execute(query)).fetchall()


async def read_rule(conn: Connection) -> dict[str, Any]:
    async with conn.cursor(row_factory=dict_row) as cur:
        row = await (await cur.execute(SQL.read_rule)).fetchone()
    assert row is not None
    return row


async def write_rule(conn: Connection, timezone: str, quiet: Mapping[str, Any], windows: Mapping[str, Any]) -> None:
    await conn.execute(SQL.write_rule, {"timezone": timezone, "quiet": Jsonb(dict(quiet)), "windows": Jsonb(dict(windows))})


async def touch_rules(conn: Connection) -> None:
    await conn.execute(SQL.touch_rules)


async def list_purposes(conn: Connection) -> list[Purpose]:
    return await _all(conn, SQL.list_purposes, Purpose)


async def add_purpose(conn: Connection, name: str, title: str) -> None:
    await conn.execute(SQL.add_purpose, {"name": name, "title": title})


async def change_purpose(conn: Connection, name: str, title: str, renamed: bool, archived_at: datetime | None) -> None:
    await conn.execute(SQL.change_purpose, {"name": name, "title": title, "renamed": renamed, "archived_at": archived_at})


async def read_paths(conn: Connection) -> list[tuple[MessageClassName, Any]]:
    return await (await conn.execute(SQL.read_paths)).fetchall()


async def write_paths(conn: Connection, paths: Mapping[MessageClassName, Sequence[Any]], now: datetime) -> None:
    await conn.execute(SQL.clear_paths)
    encoded = [msgspec.json.encode(steps) for steps in paths.values()]
    await conn.execute(SQL.write_paths, {"names": texts(list(paths)), "hops": jsonbs(encoded), "now": now})


async def channels_with_account(conn: Connection) -> set[str]:
    return {row[0] for row in await (await conn.execute(SQL.channels_with_account)).fetchall()}


async def list_suitability(conn: Connection) -> list[Suitability]:
    return await _all(conn, SQL.list_suitability, Suitability)


async def write_suitability(conn: Connection, rows: Sequence[Suitability]) -> None:
    await conn.execute(SQL.clear_suitability)
    params = {
        "purposes": [r.purpose for r in rows], "channels": [r.channel for r in rows], "verdicts": [r.verdict for r in rows],
        "ranks": [r.rank for r in rows],
    }  # fmt: skip
    await conn.execute(SQL.write_suitability, params)


async def list_caps(conn: Connection) -> list[Cap]:
    return await _all(conn, SQL.list_caps, Cap)


async def find_cap(conn: Connection, cap_id: int) -> Cap | None:
    async with conn.cursor(row_factory=struct_row(Cap)) as cur:
        return await (await cur.execute(SQL.find_cap, {"id": cap_id})).fetchone()


async def add_cap(conn: Connection, values: Mapping[str, Any]) -> int | None:
    row = await (await conn.execute(SQL.add_cap, values)).fetchone()
    return row[0] if row else None


async def change_cap(conn: Connection, values: Mapping[str, Any]) -> bool:
    return (await conn.execute(SQL.change_cap, values)).rowcount > 0


async def delete_cap(conn: Connection, cap_id: int) -> None:
    await conn.execute(SQL.delete_cap, {"id": cap_id})


async def add_kind(conn: Connection, dispatch: Dispatch) -> None:
    """Make the kind of a dispatch's messages known."""
    values = {
        "message_class": dispatch.message_class, "channel": dispatch.channel, "topic": dispatch.topic,
        "urgency": urgency(dispatch),
    }  # fmt: skip
    await conn.execute(SQL.add_kind, values)


