"""Who is in a journey, at which step and until when; what was decided of each, and why; the numbers on the arrows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, secret_traits, summaries
from antiphon.execution.journeys import definitions
from antiphon.execution.journeys.aside import undoable_until
from antiphon.execution.journeys.shown import Arrow, Counts, Version, WaitingStep
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.principal import Principal

SQL = load_queries(Path(__file__).with_name("people.sql"))
QUICK, KEPT_TIMES = 0.2, 20
"""Counting that takes longer (seconds) is not done again for so many times as long."""
ENTRY = "entry"
"""How the way in is called among steps."""
Place = tuple[int, int, int, int]
STRETCH, STRETCHES = 20_000, 10
"""Lines of the history read at a time for who went a way, and how often for a page."""


class PersonInside(Struct, frozen=True, kw_only=True):
    """A passage under way: where the person stands since when, and until when; without ``wake_at`` until they do something."""

    profile_id: int
    name: str
    run_id: int
    version: int
    step: str
    title: str
    entered_at: datetime
    arrived_at: datetime
    wake_at: datetime | None
    turn: int
    key: str
    moved: bool


class PersonPassed(Struct, frozen=True, kw_only=True):
    """Who went by an exit of a step, when they did last in a passage, and where they stand now: nowhere once it ended."""

    profile_id: int
    name: str
    run_id: int
    went_at: datetime
    step: str | None
    title: str
    wake_at: datetime | None


class HistoryLine(Struct, frozen=True, kw_only=True):
    """What was decided of a person at a step: they went by the exit ``did``, rested, left for a reason, reached the goal, or were
    moved by an edit; ``facts`` are why. Values of traits that are not for the asker are hidden."""

    at: datetime
    version: int
    step: str
    title: str
    kind: str
    did: str
    how: str
    facts: dict[str, Any]


class Passage(Struct, frozen=True, kw_only=True):
    """One passage of a person, under way or ended, with all that was decided. ``put_back_until``: they were taken out, and can
    be put back until then."""

    run_id: int
    version: int
    step: str | None
    key: str
    entered_at: datetime
    ended_at: datetime | None
    reason: str | None
    converted: bool
    value: float | None
    wake_at: datetime | None
    moved: bool
    turn: int
    lines: list[HistoryLine]
    put_back_until: datetime | None = None


class PersonHistory(Struct, frozen=True, kw_only=True):
    """A person in a journey: ``profile_id`` is who they are now, if they were merged."""

    profile_id: int
    passages: list[Passage]


class _Run(Struct, frozen=True):
    version_id: int
    step: int
    profile_id: int
    id: int
    entered_at: datetime
    arrived_at: datetime
    wake_at: datetime | None
    turn: int
    key: str
    moved: bool


async def people_inside(
    conn: Connection, journey_id: int, *, number: int | None, step: str | None, after: Place | None, limit: int
) -> tuple[list[PersonInside], Place | None]:
    """Some of the people inside, and where the list goes on."""
    found = await definitions.some_versions(conn, journey_id)
    versions = {one.id: one for one in found.values() if number is None or one.number == number}
    rows: list[_Run] = []
    for version_id in sorted(versions):
        if after is not None and version_id < after[0]:
            continue
        wanted = None
        if step is not None:
            wanted = next((n for n, one in enumerate(versions[version_id].definition.steps) if one.key == step), None)
            if wanted is None:
                continue
        place = after if after is not None and after[0] == version_id else (version_id, -1, -1, -1)
        params = {
            "versions": [version_id], "step": wanted, "version_id": place[0], "after_step": place[1], "profile_id": place[2],
            "id": place[3], "limit": limit + 1 - len(rows),
        }  # fmt: skip
        async with conn.cursor(row_factory=struct_row(_Run)) as cur:
            rows += await (await cur.execute(SQL.list_people, params)).fetchall()
        if len(rows) > limit:
            break
    last = rows[limit - 1] if len(rows) > limit else None
    more = None if last is None else (last.version_id, last.step, last.profile_id, last.id)
    rows = rows[:limit]
    names = {one.id: one.name for one in await summaries(conn, sorted({row.profile_id for row in rows}))}
    return [_inside(row, versions[row.version_id], names.get(row.profile_id, f"#{row.profile_id}")) for row in rows], more


def _inside(row: _Run, version: Version, name: str) -> PersonInside:
    step = version.definition.steps[row.step]
    return PersonInside(
        profile_id=row.profile_id, name=name, run_id=row.id, version=version.number, step=step.key, title=step.title,
        entered_at=row.entered_at, arrived_at=row.arrived_at, wake_at=row.wake_at, turn=row.turn, key=row.key, moved=row.moved,
    )  # fmt: skip


async def people_passed(
    conn: Connection, journey_id: int, version: Version, *, step: str, exit: str, after: int, limit: int
) -> tuple[list[PersonPassed], int | None]:
    """Who went by an exit, in the order of people, and the person after whom to read on. Few may be found in a long stretch: a
    page can be short, or empty, and there is more as long as there is somebody to read on from."""
    number = next((n for n, one in enumerate(version.definition.steps) if one.key == step), None)
    if number is None:
        return [], None
    params: dict[str, Any] = {"way": Jsonb([{"s": number, "d": exit, "h": "went"}]), "version_id": version.id, "stretch": STRETCH}
    went: dict[tuple[int, int], datetime] = {}
    whole = False
    for _ in range(STRETCHES):
        rows = await (await conn.execute(SQL.list_passed, params | {"profile_id": after})).fetchall()
        whole = len(rows) < STRETCH
        end = rows[-1][0] if rows else after
        went |= {(profile, run): at for profile, run, at, passed in rows if passed and (whole or profile < end)}
        after = end if whole else max(end - 1, after + 1)
        if whole or len(went) >= limit:
            break
    if len(went) <= limit:
        return await _passed(conn, version, went), None if whole else after
    last = list(went)[limit - 1][0]
    return await _passed(conn, version, {one: at for one, at in went.items() if one[0] <= last}), last


async def _passed(conn: Connection, version: Version, went: Mapping[tuple[int, int], datetime]) -> list[PersonPassed]:
    people, runs = sorted({one for one, _ in went}), [run for _, run in went]
    standing = {row[0]: row for row in await (await conn.execute(SQL.standing, {"people": people, "runs": runs})).fetchall()}
    names = {one.id: one.name for one in await summaries(conn, people)}
    steps = version.definition.steps
    items = []
    for (profile, run), at in went.items():
        _, number, wake = standing.get(run, (run, -1, None))
        step = steps[number] if 0 <= number < len(steps) else None
        items.append(PersonPassed(
            profile_id=profile, name=names.get(profile, f"#{profile}"), run_id=run, went_at=at,
            step=None if step is None else step.key, title="" if step is None else step.title, wake_at=wake,
        ))  # fmt: skip
    return items


async def person_history(
    conn: Connection, who: Principal, journey_id: int, profile_id: int, now: datetime
) -> PersonHistory:
    """All that was decided of a person in a journey. Raises NoSuchProfile."""
    real = await canonical(conn, profile_id)
    if real is None:
        raise NoSuchProfile(id=profile_id)
    theirs = await every_id(conn, real)
    params = {"people": theirs, "journey_id": journey_id}
    secret = await secret_traits(conn, who)
    versions = await definitions.some_versions(conn, journey_id)
    lines: dict[int, list[HistoryLine]] = {}
    for run_id, version_id, at, path in await (await conn.execute(SQL.told, params)).fetchall():
        told = [_line(one, at, versions[version_id], secret) for one in path]
        lines.setdefault(run_id, []).extend(told)
    cur = await conn.execute(SQL.passages, params)
    names = [column.name for column in cur.description or ()]
    passages = [
        _passage(dict(zip(names, row, strict=True)), versions, lines) for row in await cur.fetchall()
    ]
    until = await undoable_until(conn, journey_id, theirs, now)
    passages = [msgspec.structs.replace(one, put_back_until=until.get(one.run_id)) for one in passages]
    return PersonHistory(profile_id=real, passages=passages)


def _passage(row: dict[str, Any], versions: Mapping[int, Version], lines: Mapping[int, list[HistoryLine]]) -> Passage:
    version = versions[row.pop("version_id")]
    step = row.pop("step")
    key = version.definition.steps[step].key if step is not None and 0 <= step < len(version.definition.steps) else None
    return msgspec.convert(row | {"version": version.number, "step": key, "lines": lines.get(row["run_id"], [])}, Passage)


def _line(told: Mapping[str, Any], at: datetime, version: Version, secret: frozenset[str]) -> HistoryLine:
    steps = version.definition.steps
    step = steps[told["s"]] if 0 <= told["s"] < len(steps) else None
    facts = {name: None if name.removeprefix("trait:") in secret else value for name, value in (told.get("w") or {}).items()}
    if step is not None and step.settings.get("trait") in secret and "found" in facts:
        facts["found"] = None
    return HistoryLine(
        at=at, version=version.number, step=ENTRY if step is None else step.key, title="" if step is None else step.title,
        kind="" if step is None else step.kind, did=told["d"], how=told["h"], facts=facts,
    )  # fmt: skip


class Standings:
    """Who stood where when it was last counted, kept in a process for a while where counting took long: with ten million people
    inside it takes a second, and a canvas asks every few."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, datetime, list[definitions.Standing]]] = {}

    async def read(
        self, ctx: Context, conn: Connection, journey_id: int, versions: Sequence[int]
    ) -> tuple[datetime, list[definitions.Standing]]:
        """When it was counted, and what."""
        began = time.monotonic()
        kept = self._kept.get(journey_id)
        if kept is not None and began < kept[0]:
            return kept[1], kept[2]
        as_of, found = ctx.clock.now(), await definitions.people_by_step(conn, versions)
        took = time.monotonic() - began
        self._kept.pop(journey_id, None)
        if took > QUICK:
            self._kept[journey_id] = (began + took * KEPT_TIMES, as_of, found)
        return as_of, found


async def counts(ctx: Context, conn: Connection, journey_id: int, version: Version, since: date | None) -> Counts:
    """The numbers on a version's arrows, and who stands at the steps of all versions now."""
    found = await definitions.some_versions(conn, journey_id)
    rows = await (await conn.execute(SQL.arrows, {"version_id": version.id, "since": since})).fetchall()
    if not ctx.has(Standings):
        ctx.put(Standings, Standings())
    as_of, standing = await ctx.get(Standings).read(ctx, conn, journey_id, list(found))
    return Counts(
        version=version.number, as_of=as_of, inside=sum(one.people for one in standing),
        arrows=[Arrow(step=_key(version, step), did=did, how=how, people=people) for step, did, how, people in rows],
        waiting=[_waiting(one, found) for one in standing],
    )  # fmt: skip


def _key(version: Version, step: int) -> str:
    steps: Sequence[Any] = version.definition.steps
    return steps[step].key if 0 <= step < len(steps) else ENTRY


def _waiting(one: definitions.Standing, found: Mapping[int, Version]) -> WaitingStep:
    version = found[one.version_id]
    return WaitingStep(
        version=version.number, step=_key(version, one.step), people=one.people, listening=one.listening, next_at=one.next_at
    )
