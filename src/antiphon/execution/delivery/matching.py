"""What was heard, brought to the ledger's rows: which rows are meant, what was heard before, what must wait, what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.delivery.heard import OF_PEOPLE, ONCE, Heard, Row
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints, byteas, instants, ints, maybe_instants, micros, texts

SQL = load_queries(Path(__file__).with_name("hearing.sql"))
ANSWERS_WITHIN = timedelta(days=7)  # a message of a customer's answers what was said to them last in this time
PATIENCE = timedelta(hours=72)  # news waits so long for its row
_TIMES = ("opened", "clicked", "unsubscribed", "complained", "bounced", "delivered", "replied")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Heard).decode


async def place(conn: Connection, news: Sequence[Heard], now: datetime) -> list[Heard]:
    """The same news, its deliveries named where they can be: by what their providers call them, or by what was said last to
    the address that wrote to us."""
    named = list(news)
    asked = {(h.account_id, h.provider_id) for h in news if h.key is None and h.provider_id}
    if asked:
        pairs = sorted(asked)
        params = {"accounts": bigints([a for a, _ in pairs]), "provider_ids": texts([p for _, p in pairs])}
        rows = await (await conn.execute(SQL.place_by_id, params, binary=True)).fetchall()
        found = {(account, name): meant for account, name, *meant in rows}
        for n, heard in enumerate(named):
            if heard.key is None and (meant := found.get((heard.account_id, heard.provider_id or ""))):
                named[n] = msgspec.structs.replace(heard, delivery_id=meant[0], profile_id=meant[1], parts=meant[2])
    written = [(n, heard) for n, heard in enumerate(named) if heard.key is None and heard.kind in OF_PEOPLE and heard.address]
    if written:
        answered = {
            "channels": texts([heard.channel for _, heard in written]),
            "addresses": texts([heard.address for _, heard in written]),
            "since": now - ANSWERS_WITHIN,
        }
        last = {(c, a): (d, p) for c, a, d, p in await (await conn.execute(SQL.last_said, answered)).fetchall()}
        for n, heard in written:
            if meant := last.get((heard.channel, heard.address or "")):
                named[n] = msgspec.structs.replace(heard, delivery_id=meant[0], profile_id=meant[1])
    return named


async def repeated(conn: Connection, news: Mapping[int, Heard], now: datetime) -> list[int]:
    """Which of this news was told before, by its place; of what is twice in it, all but the first."""
    fresh: dict[tuple[int, bytes], int] = {}
    again: list[int] = []
    for n, heard in news.items():
        if heard.kind not in ONCE or not (heard.id or heard.account_id):
            continue
        mark = (heard.account_id, heard.digest())
        if mark in fresh:
            again.append(n)
        else:
            fresh[mark] = n
    if fresh:
        params = {"accounts": bigints([a for a, _ in fresh]), "digests": byteas([d for _, d in fresh]), "now": now}
        first = {(a, bytes(d)) for a, d in await (await conn.execute(SQL.hear_once, params)).fetchall()}
        again += [n for mark, n in fresh.items() if mark not in first]
    return again


async def wholes(conn: Connection, news: Mapping[int, Heard]) -> dict[int, Heard | None]:
    """Of the receipts in this news that are one part's: the first that completes its message, as of the last part's arrival;
    None for all the others."""
    parts = {n: heard for n, heard in news.items() if heard.kind == "delivered" and heard.parts > 1 and heard.key is not None}
    if not parts:
        return {}
    first: dict[tuple[int, str, int], Heard] = {}
    for heard in parts.values():
        name = (heard.account_id, heard.provider_id or "", heard.profile_id or 0)
        first[name] = min(first.get(name, heard), heard, key=lambda one: one.at)
    await conn.execute(SQL.hold_parts, {"ids": bigints(sorted({heard.delivery_id or 0 for heard in parts.values()}))})
    params = {
        "accounts": bigints([account for account, _, _ in first]), "provider_ids": texts([name for _, name, _ in first]),
        "profile_ids": bigints([person for _, _, person in first]), "ats": instants([micros(one.at) for one in first.values()]),
    }  # fmt: skip
    whole = {(d, p): at for d, p, at in await (await conn.execute(SQL.note_parts, params)).fetchall()}
    found: dict[int, Heard | None] = {}
    for n, heard in parts.items():
        at = whole.pop(heard.key, None) if heard.key is not None else None
        found[n] = None if at is None else msgspec.structs.replace(heard, at=at)
    return found


async def keep_waiting(conn: Connection, news: Sequence[Heard], now: datetime) -> None:
    """Keep news until its row is there, or its time is out."""
    params = {
        "accounts": bigints([heard.account_id for heard in news]),
        "provider_ids": texts([heard.provider_id or "" for heard in news]),
        "ids": bigints([heard.delivery_id or 0 for heard in news]),
        "addresses": texts([heard.address or "" for heard in news]),
        "bodies": byteas([_encode(heard) for heard in news]),
        "now": now,
        "expires_at": now + PATIENCE,
    }
    await conn.execute(SQL.wait, params)


async def take_waiting(conn: Connection, most: int) -> list[Heard]:
    """Waiting news whose row is there by now, oldest first; it waits no more."""
    rows = await (await conn.execute(SQL.take_waiting, {"most": most})).fetchall()
    return [_decode(body) for _, body in sorted(rows)]


async def note(conn: Connection, news: Sequence[Heard], machines: frozenset[int]) -> dict[tuple[int, int], Row]:
    """Write news of deliveries into the ledger; the rows that exist, as they were. What machines did (by `id` of the object)
    counts nothing."""
    folded: dict[tuple[int, int], dict[str, Any]] = {}
    for heard in news:
        assert heard.key is not None
        told = folded.setdefault(heard.key, {"opens": 0, "clicks": 0})
        if id(heard) in machines:
            continue
        if heard.kind == "opened":
            told["opens"] += 1
        elif heard.kind == "clicked":
            told["clicks"] += 1
        at = micros(heard.at)
        match heard.kind:
            case "deferred":
                told["deferred"] = max(told.get("deferred", at), at)
            case "bounced":
                first = (told.get("bounced", at), told.get("detail", heard.detail))
                told["bounced"], told["detail"] = min(first, (at, heard.detail))
            case "subscribed":
                pass
            case kind:
                told[kind] = min(told.get(kind, at), at)
    return await _hear(conn, folded)


async def look_up(conn: Connection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Row]:
    """Rows as they are, locked until the transaction ends."""
    return await _hear(conn, {key: {"opens": 0, "clicks": 0} for key in keys})


async def _hear(conn: Connection, folded: Mapping[tuple[int, int], Mapping[str, Any]]) -> dict[tuple[int, int], Row]:
    if not folded:
        return {}
    told = list(folded.values())
    params: dict[str, Any] = {
        "ids": bigints([key[0] for key in folded]),
        "profile_ids": bigints([key[1] for key in folded]),
        "opens": ints([one["opens"] for one in told]),
        "clicks": ints([one["clicks"] for one in told]),
        "details": texts([_plain(one.get("detail")) for one in told]),
        "deferred_ats": maybe_instants([one.get("deferred") for one in told]),
    }
    for name in _TIMES:
        params[f"{name}_ats"] = maybe_instants([one.get(name) for one in told])
    cursor = await conn.execute(SQL.hear, params, binary=True)
    return {(row[0], row[1]): Row(*row) for row in await cursor.fetchall()}


def _plain(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()
