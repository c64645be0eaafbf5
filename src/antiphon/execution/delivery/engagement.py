"""The log of opens and clicks: each is judged as it comes in, kept with the rule that decided, and can be judged again.

Only what people did counts in the ledger, in reports and in customers' histories. When a judgement changes, the ledger's
counters are put right; in the history what was told is called a machine's from then on, with an event that tells when that
was found out, or is told (again).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.events import Renaming, rename_events
from antiphon.execution.delivery import machines, matching
from antiphon.execution.delivery.heard import Heard, Kind, Row, event, renaming, retraction
from antiphon.execution.delivery.machines import Look
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.postgres import Connection, load_queries, struct_row
from antiphon.foundation.postgres.binary import bigints, byteas, instants, ints, micros, texts

SQL = load_queries(Path(__file__).with_name("engagement.sql"))
MOST_AGENT = 400  # characters of an agent's name that are kept
MOST_URL = 2000


class Recent(msgspec.Struct, frozen=True):
    """A delivery somebody clicked in, and a click of a moment ago, if there was one."""

    delivery_id: int
    profile_id: int
    said_at: datetime | None
    links: int
    engagement_id: int | None
    at: datetime | None
    link_id: int | None
    url: str | None
    visitor: bytes | None
    counted: bool | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one row of the log is, from now on."""

    id: int
    profile_id: int
    rule: str
    decides: machines.Class
    by_hand: bool = False


class Corrected(msgspec.Struct, frozen=True):
    """A row of the log whose judgement changed between person and machine."""

    delivery_id: int
    profile_id: int
    kind: Kind
    link_id: int | None
    url: str | None
    at: datetime
    is_person: bool
    others: int  # how many more of people there are, of the same link or of opens
    first: datetime | None  # the earliest of people, after the change


@dataclass
class Looks:
    """What came in just now, judged."""

    rules: list[tuple[Heard, str]] = field(default_factory=list)
    machines: frozenset[int] = frozenset()
    visitors: dict[int, bytes | None] = field(default_factory=dict)
    earlier: list[Change] = field(default_factory=list)


async def look(ctx: Context, conn: Connection, news: Sequence[Heard]) -> Looks:
    """Judge opens and clicks, together with clicks of a moment ago."""
    looks = Looks()
    if not news:
        return looks
    rules: dict[int, str] = {}
    for heard in news:
        looks.visitors[id(heard)] = keyed_hash(ctx.secret, "visitor", heard.ip)[:8] if heard.ip else None
        rules[id(heard)] = machines.judge(
            Look(kind="opened" if heard.kind == "opened" else "clicked", agent=heard.agent, network=machines.shortened(heard.ip),
                 method=heard.method, prefetch=heard.prefetch),
            ctx.settings.scanner_networks,
        )  # fmt: skip
    clicks = [heard for heard in news if heard.kind == "clicked" and heard.key and machines.decides(rules[id(heard)]) == "person"]
    if clicks:
        await _neighbours(conn, clicks, rules, looks)
    looks.rules = [(heard, rules[id(heard)]) for heard in news]
    looks.machines = frozenset(id(heard) for heard in news if machines.decides(rules[id(heard)]) == "machine")
    return looks


async def _neighbours(conn: Connection, clicks: Sequence[Heard], rules: dict[int, str], looks: Looks) -> None:
    """The rule that needs several clicks."""
    keys = sorted({heard.key for heard in clicks if heard.key})
    since = min(heard.at for heard in clicks) - machines.TOGETHER
    params = {"ids": bigints([k[0] for k in keys]), "profile_ids": bigints([k[1] for k in keys]), "since": since}
    async with conn.cursor(row_factory=struct_row(Recent)) as cur:
        recent = await (await cur.execute(SQL.recent_clicks, params)).fetchall()
    before: defaultdict[tuple[int, int], list[Recent]] = defaultdict(list)
    for row in recent:
        before[row.delivery_id, row.profile_id].append(row)
    for key, rows in before.items():
        old = [row for row in rows if row.engagement_id is not None]
        new = [heard for heard in clicks if heard.key == key]
        every = [(row.at or since, _what(row.link_id, row.url), _bytes(row.visitor)) for row in old]
        every += [(heard.at, _what(heard.link_id, heard.url), looks.visitors[id(heard)]) for heard in new]
        for place in machines.at_once(every, rows[0].said_at, rows[0].links):
            if place >= len(old):
                rules[id(new[place - len(old)])] = "every_link"
            elif (found := old[place].engagement_id) is not None and old[place].counted:
                looks.earlier.append(Change(id=found, profile_id=key[1], rule="every_link", decides="machine"))


def _what(link_id: int | None, url: str | None) -> str:
    return str(link_id) if link_id is not None else url or ""


def _bytes(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)


async def keep(conn: Connection, looks: Looks, rows: Mapping[tuple[int, int], Row], now: datetime) -> list[bytes]:
    """Keep what came in; the compensating events of clicks of a moment ago that prove to be a machine's."""
    kept = [(heard, rule) for heard, rule in looks.rules if heard.key in rows]
    if kept:
        params: dict[str, Any] = {
            "profile_ids": bigints([heard.profile_id or 0 for heard, _ in kept]),
            "ids": bigints([heard.delivery_id or 0 for heard, _ in kept]),
            "ats": instants([micros(heard.at) for heard, _ in kept]),
            "kinds": texts([heard.kind for heard, _ in kept]),
            "links": bigints([heard.link_id or 0 for heard, _ in kept]),
            "urls": texts([_clean(heard.url, MOST_URL) if heard.url else None for heard, _ in kept]),
            "methods": texts([heard.method for heard, _ in kept]),
            "agents": texts([_clean(heard.agent or "", MOST_AGENT) for heard, _ in kept]),
            "networks": texts([machines.shortened(heard.ip) for heard, _ in kept]),
            "visitors": byteas([looks.visitors[id(heard)] for heard, _ in kept]),
            "classes": texts([machines.decides(rule) for _, rule in kept]),
            "rules": texts([rule for _, rule in kept]),
            "version": machines.VERSION,
        }
        await conn.execute(SQL.log_engagement, params)
    return await put_right(conn, looks.earlier, now) if looks.earlier else []


async def put_right(conn: Connection, changes: Sequence[Change], now: datetime) -> list[bytes]:
    """Change judgements; put the ledger right; the events that tell customers' histories of it."""
    params: dict[str, Any] = {
        "ids": bigints([judged.id for judged in changes]),
        "profile_ids": bigints([judged.profile_id for judged in changes]),
        "rules": texts([judged.rule for judged in changes]),
        "classes": texts([judged.decides for judged in changes]),
        "by_hand": ints([int(judged.by_hand) for judged in changes]),
        "version": machines.VERSION,
    }
    deliveries = await (await conn.execute(SQL.deliveries_of, params)).fetchall()
    rows = await matching.look_up(conn, [(d, p) for d, p in deliveries])
    async with conn.cursor(row_factory=struct_row(Corrected)) as cur:
        corrected = await (await cur.execute(SQL.judge_again, params)).fetchall()
    if not corrected:
        return []
    deltas: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in corrected:
        deltas[one.delivery_id, one.profile_id][one.kind == "clicked"] += 1 if one.is_person else -1
    counts = {
        "ids": bigints([key[0] for key in deltas]),
        "profile_ids": bigints([key[1] for key in deltas]),
        "opens": ints([delta[0] for delta in deltas.values()]),
        "clicks": ints([delta[1] for delta in deltas.values()]),
    }
    await conn.execute(SQL.recount, counts)
    told, renamings = _told(corrected, rows, now)
    await rename_events(conn, renamings, now)
    return told


def _told(
    corrected: Sequence[Corrected], rows: Mapping[tuple[int, int], Row], now: datetime
) -> tuple[list[bytes], list[Renaming]]:
    """Events for each open or link whose having happened changed, or when it first did; and what was told before and was a
    machine's."""
    by_what: defaultdict[tuple[int, int, Kind, str], list[Corrected]] = defaultdict(list)
    for one in corrected:
        by_what[one.delivery_id, one.profile_id, one.kind, _what(one.link_id, one.url)].append(one)
    told: list[bytes] = []
    renamings: list[Renaming] = []
    for (delivery_id, profile_id, kind, _), changed in by_what.items():
        row, first = rows.get((delivery_id, profile_id)), changed[0]
        if row is None or not row.person_known:
            continue
        others = [] if first.first is None else [first.first]
        at = min([*others, *(one.at for one in changed if one.is_person)], default=None)
        was = min([*others, *(one.at for one in changed if not one.is_person)], default=None)
        if was is not None and (at is None or was < at):
            told.append(retraction(kind, row, now, first.url, first.link_id))
            renamings.append(renaming(kind, row, first.url, first.link_id))
        if at is not None and (was is None or was < at):
            again = msgspec.structs.replace(row, corrections=row.corrections + 1)
            told.append(event(Heard(kind=kind, at=at, link_id=first.link_id, url=first.url), again))
    return told, renamings


def _clean(text: str, most: int) -> str:
    return text[:most].replace("\0", "").encode("utf-8", "replace").decode()

