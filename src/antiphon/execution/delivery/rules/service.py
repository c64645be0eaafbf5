"""Setting the rules: each change checked, written, audited, and told to every process by the next version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from antiphon.awareness.consent import ChannelRegistry, topic_title
from antiphon.execution.delivery.gate.quiet import DAY, minutes
from antiphon.execution.delivery.rules import store
from antiphon.execution.delivery.rules.model import (
    CAPPED,
    QUIET,
    Cap,
    CapExists,
    CapUnknown,
    Clocks,
    PurposeUnknown,
    RuleInvalid,
    Suitability,
    zone_named,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal


async def read_clocks(conn: Connection) -> Clocks:
    """Quiet hours, send windows, and the installation's clock."""
    row = await store.read_rule(conn)
    return msgspec.convert({name: row[name] for name in ("timezone", "quiet", "windows")}, Clocks)


async def set_clocks(conn: Connection, who: Principal, clocks: Clocks) -> Clocks:
    """Set quiet hours and send windows. Raises RuleInvalid naming the field."""
    zone_named(clocks.timezone, "timezone")
    for name, hours in clocks.quiet.items():
        _timed(name, "quiet")
        if hours.since == hours.until:
            raise RuleInvalid("Quiet hours begin and end at different times", field=f"quiet.{name}.to")
    for name, windows in clocks.windows.items():
        _timed(name, "windows")
        for place, window in enumerate(windows):
            if (minutes(window.until) or DAY) <= minutes(window.since):
                raise RuleInvalid("A window ends after it begins, on the same day", field=f"windows.{name}[{place}].to")
    before = await read_clocks(conn)
    plain: Mapping[str, Any] = msgspec.to_builtins(clocks)
    await store.write_rule(conn, clocks.timezone, plain["quiet"], plain["windows"])
    await audit(conn, who, action="delivery.clocks", subject="delivery:rules", before=before, after=clocks)
    return clocks


def _timed(name: str, field: str) -> None:
    if name not in QUIET:
        raise RuleInvalid("Expected one of " + ", ".join(QUIET), field=field)


async def set_suitability(ctx: Context, conn: Connection, who: Principal, rows: Sequence[Suitability]) -> list[Suitability]:
    """Set the whole table of purposes and channels. Raises PurposeUnknown, RuleInvalid."""
    purposes = {purpose.name for purpose in await store.list_purposes(conn)}
    seen: set[tuple[str, str]] = set()
    for place, row in enumerate(rows):
        if row.purpose not in purposes:
            raise PurposeUnknown(field=f"[{place}].purpose", purpose=row.purpose)
        if (row.purpose, row.channel) in seen:
            raise RuleInvalid("Each purpose and channel once", field=f"[{place}].channel")
        seen.add((row.purpose, row.channel))
    before = await store.list_suitability(conn)
    await store.write_suitability(conn, rows)
    await store.touch_rules(conn)
    after = await store.list_suitability(conn)
    await audit(conn, who, action="delivery.suitability", subject="delivery:rules", before=before, after=after)
    return after


async def add_cap(ctx: Context, conn: Connection, who: Principal, values: Mapping[str, Any]) -> Cap:
    """A new frequency cap. Raises CapExists, RuleInvalid, TopicUnknown, ChannelUnknown."""
    await _check(ctx, conn, values)
    cap_id = await store.add_cap(conn, {**values, "now": ctx.clock.now()})
    if cap_id is None:
        raise CapExists(field="name", name=values["name"])
    return await _changed(conn, who, cap_id, None)


async def change_cap(ctx: Context, conn: Connection, who: Principal, cap_id: int, values: Mapping[str, Any]) -> Cap:
    """Make a frequency cap another. Raises CapUnknown, and as `add_cap`."""
    await _check(ctx, conn, values)
    before = await store.find_cap(conn, cap_id)
    if before is None:
        raise CapUnknown(cap=cap_id)
    if not await store.change_cap(conn, {**values, "id": cap_id, "now": ctx.clock.now()}):
        raise CapExists(field="name", name=values["name"])
    return await _changed(conn, who, cap_id, before)


async def _changed(conn: Connection, who: Principal, cap_id: int, before: Cap | None) -> Cap:
    await store.touch_rules(conn)
    after = await store.find_cap(conn, cap_id)
    assert after is not None
    await audit(conn, who, action="delivery.cap", subject=f"cap:{cap_id}", before=before, after=after)
    return after


async def delete_cap(conn: Connection, who: Principal, cap_id: int) -> None:
    """Count no more by a cap. Raises CapUnknown."""
    before = await store.find_cap(conn, cap_id)
    if before is None:
        raise CapUnknown(cap=cap_id)
    await store.delete_cap(conn, cap_id)
    await store.touch_rules(conn)
    await audit(conn, who, action="delivery.cap", subject=f"cap:{cap_id}", before=before, after=None)


async def _check(ctx: Context, conn: Connection, values: Mapping[str, Any]) -> None:
    for name in values["classes"]:
        if name not in CAPPED:
            raise RuleInvalid("Expected one of " + ", ".join(CAPPED), field="classes")
    for topic in values["topics"]:
        await topic_title(conn, topic)
    for channel in values["channels"]:
        ctx.get(ChannelRegistry)[channel]
