"""A draft goes live: what becomes of the people inside is said before, shown before, and can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from antiphon.execution.journeys import approval, definitions as store
from antiphon.execution.journeys.beginning import lock_beginnings, may_begin
from antiphon.execution.journeys.errors import DraftChanged, JourneyInvalid, JourneyVersionUnknown, StepMapLosesPeople
from antiphon.execution.journeys.findings import sentence
from antiphon.execution.journeys.hearing import begin_hearing
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.mapping import StepMap, becomes, check_map, inverse, named, way_to
from antiphon.execution.journeys.model import Definition, Step
from antiphon.execution.journeys.moving import begin_move, last_map
from antiphon.execution.journeys.service import RUN, check_definition, errors_of, find, locked
from antiphon.execution.journeys.shown import Journey, Leave, Move, Preview, StandingPeople, Stay, Treatment, Version
from antiphon.execution.journeys.sources import open_sources
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

HEAR = "journeys.hear"


async def preview(ctx: Context, conn: Connection, journey_id: int, treatment: Treatment) -> Preview:
    """What publishing the draft would do to the people inside, by step; a map that loses people is shown, not refused."""
    one = await find(conn, journey_id)
    findings = await check_definition(ctx, conn, one.draft, journey_id)
    if isinstance(treatment, Move):
        check_map(one.draft, treatment.map)
    standing = await _standing(conn, journey_id, None, one.draft, treatment)
    return _preview(standing, treatment, findings)


async def publish(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, revision: int, note: str, treatment: Treatment
) -> Journey:
    """Freeze the draft as a version and let it go live.

    Raises DraftChanged where it is not the draft its author saw, JourneyInvalid where something is wrong with it,
    JourneyApprovalNeeded, StepMapInvalid, and StepMapLosesPeople where people stand at steps of which nothing is said.
    """
    one = await locked(conn, journey_id, "publish")
    if one.draft_revision != revision:
        raise DraftChanged(field="revision", revision=one.draft_revision)
    if may_begin(one.draft):
        await lock_beginnings(conn)
    wrong = errors_of(await check_definition(ctx, conn, one.draft, journey_id))
    if wrong:
        raise JourneyInvalid(field=f"draft.{wrong[0].place}", count=len(wrong), first=sentence(wrong[0]))
    await approval.require(conn, one)
    standing = await _accepted(conn, one, None, one.draft, treatment)
    now = ctx.clock.now()
    said = msgspec.to_builtins(treatment)
    version_id, number = await store.insert_version(
        conn, journey_id, definition=one.draft, note=note, by=who.name, now=now, treatment=said
    )
    await _go_live(ctx, conn, who, one, version_id, treatment, standing, back=False)
    await open_sources(ctx, conn, journey_id, one.draft)
    await audit(
        conn, who, action="journeys.publish", subject=f"journey:{journey_id}", before={"version": one.live_version},
        after={"version": number, "note": note, "treatment": said},
    )  # fmt: skip
    return await find(conn, journey_id)


async def roll_back(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, number: int, treatment: Treatment | None
) -> Journey:
    """Let an earlier version be live again. Without a treatment people move back the way they came; a map says more of the way.

    Raises JourneyVersionUnknown, and StepMapLosesPeople where people stand at steps that have no way back.
    """
    one = await locked(conn, journey_id, "roll back")
    to, treatment = await _back_to(conn, one, number, treatment)
    standing = await _accepted(conn, one, to.id, to.definition, treatment)
    await _go_live(ctx, conn, who, one, to.id, treatment, standing, back=True)
    await open_sources(ctx, conn, journey_id, to.definition)
    await audit(
        conn, who, action="journeys.rollback", subject=f"journey:{journey_id}", before={"version": one.live_version},
        after={"version": number, "treatment": msgspec.to_builtins(treatment)},
    )  # fmt: skip
    return await find(conn, journey_id)


async def preview_back(
    ctx: Context, conn: Connection, journey_id: int, *, number: int, treatment: Treatment | None
) -> Preview:
    """What going back to a version would do to the people inside, by step; those without a way back are shown as lost, not
    refused. Raises JourneyStateConflict, JourneyVersionUnknown, StepMapInvalid."""
    one = await find(conn, journey_id)
    one.require("roll back")
    to, meant = await _back_to(conn, one, number, treatment)
    if isinstance(meant, Move):
        check_map(to.definition, meant.map)
    standing = await _standing(conn, journey_id, to.id, to.definition, meant)
    return _preview(standing, meant, [])


async def _back_to(
    conn: Connection, one: Journey, number: int, treatment: Treatment | None
) -> tuple[Version, Treatment]:
    """The version to go back to, and the treatment with the way people came led back. Raises JourneyVersionUnknown."""
    to = await store.find_version(conn, one.id, number)
    if to is None or to.id == one.live_version_id:
        raise JourneyVersionUnknown(field="version", version=number)
    if treatment is None:
        return to, Move(map=await _way_back(conn, one, to))
    if isinstance(treatment, Move):
        return to, msgspec.structs.replace(treatment, map={**await _way_back(conn, one, to), **treatment.map})
    return to, treatment


async def _way_back(conn: Connection, one: Journey, to: Version) -> dict[str, str | None]:
    """The maps by which people came from a version to what is live, led back, one after the other. To a version from which
    nobody came to this one, but which was reached from it before, its own map leads again."""
    found = {version.id: version for version in (await store.some_versions(conn, one.id)).values()}
    way: dict[str, str | None] = {}
    at, passed = one.live_version_id, set[int]()
    while at is not None and at != to.id and at not in passed:
        passed.add(at)
        step_map, before = await last_map(conn, one.id, at)
        if before is None or before not in found:
            break
        step = inverse(step_map, found[before].definition, found[at].definition)
        way = {key: step.get(old, old) if old is not None else None for key, old in way.items()}
        way |= {key: old for key, old in step.items() if key not in way}
        at = before
    if at != to.id:
        step_map, before = await last_map(conn, one.id, to.id)
        way = {key: on for key, on in step_map.items() if on is not None} if before == one.live_version_id else {}
    return {key: old for key, old in way.items() if old is None or to.definition.step(old) is not None}


async def _standing(
    conn: Connection, journey_id: int, target: int | None, new: Definition, treatment: Treatment
) -> list[StandingPeople]:
    """Everybody inside, by version and step, and what becomes of them."""
    found = await store.some_versions(conn, journey_id)
    rows = await store.people_by_step(conn, [one for one in found if one != target])
    shown: list[StandingPeople] = []
    for row in rows:
        version = found[row.version_id]
        step = version.definition.steps[row.step]
        what, to = _becomes(step.key, new, treatment)
        shown.append(StandingPeople(
            version=version.number, step=step.key, title=step.title, people=row.people, becomes=what, to=to,
            wait=_wait(step, new, to) if what == "moves" and to is not None else None,
        ))  # fmt: skip
    return shown


def _becomes(key: str, new: Definition, treatment: Treatment) -> Any:
    match treatment:
        case Stay():
            return "stays", None
        case Leave():
            return "leaves", None
        case Move(map=step_map):
            return becomes(key, new, step_map)


def _wait(old: Step, new: Definition, to: str) -> Literal["told", "changed", "anew"]:
    onward = next(n for n, one in enumerate(new.steps) if one.key == to)
    way = way_to(old, new, onward, installed())
    return "anew" if way.comes else "changed" if way.lasts is not None else "told"


async def _accepted(
    conn: Connection, one: Journey, target: int | None, new: Definition, treatment: Treatment
) -> list[StandingPeople]:
    """Everybody inside. Raises StepMapInvalid, StepMapLosesPeople."""
    if isinstance(treatment, Move):
        check_map(new, treatment.map)
    standing = await _standing(conn, one.id, target, new, treatment)
    lost: dict[str, int] = {}
    for group in standing:
        if group.becomes == "lost":
            lost[group.step] = lost.get(group.step, 0) + group.people
    if lost:
        raise StepMapLosesPeople(field="treatment.map", steps=named(sorted(lost.items())))
    return standing


async def _go_live(
    ctx: Context, conn: Connection, who: Principal, one: Journey, version_id: int, treatment: Treatment,
    standing: Sequence[StandingPeople], *, back: bool,
) -> None:  # fmt: skip
    now = ctx.clock.now()
    await store.set_live(conn, one.id, version_id, back=back)
    if one.state != "paused":
        await store.set_state(conn, one.id, "live", now)
    if one.state in ("draft", "finished"):
        await begin_hearing(ctx, conn, one.id)
    step_map: StepMap = treatment.map if isinstance(treatment, Move) else {}
    kind = {Stay: "stay", Leave: "leave", Move: "move"}[type(treatment)]
    await begin_move(
        conn, one.id, before=one.live_version_id, after=version_id, kind=kind, back=back, step_map=step_map,
        total=sum(group.people for group in standing), by=who.name, now=now,
        queued="say" if isinstance(treatment, Stay) else treatment.queued,
    )  # fmt: skip
    await wake(conn, RUN, HEAR)


def _preview(standing: Sequence[StandingPeople], treatment: Treatment, findings: Sequence[Any]) -> Preview:
    counts: Mapping[str, int] = {
        what: sum(group.people for group in standing if group.becomes == what) for what in ("stays", "moves", "leaves", "lost")
    }
    led = {group.step: group.to for group in standing if group.becomes in ("moves", "leaves")}
    rewaits = sum(group.people for group in standing if group.wait == "changed")
    led = led if isinstance(treatment, Move) else {}
    return Preview(steps=list(standing), **counts, rewaits=rewaits, findings=list(findings), map=led)
