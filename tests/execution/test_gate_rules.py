"""The rules that people set, at the gate: caps, quiet hours, preferences, suitability, holdout, priority; and again before speaking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from tests.execution.cast import Parrot, add_account, add_people, speak, stage

from antiphon.awareness.consent import Said, state_preferences
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.decisioning.experiments import held_out
from antiphon.decisioning.experiments.holdouts import set_holdout
from antiphon.execution.delivery import (
    Content,
    Dispatch,
    Hop,
    Intents,
    NewDispatch,
    NoAccount,
    chunks,
    estimate,
    open_dispatch,
    submit,
    submit_all,
)
from antiphon.execution.delivery.displaced import RETURNING
from antiphon.execution.delivery.gate.again import look_again
from antiphon.execution.delivery.gate.deciding import see
from antiphon.execution.delivery.gate.keeping import LOOP as PRUNING, fold_contacts, part_contacts
from antiphon.execution.delivery.rules.model import Clocks, Suitability
from antiphon.execution.delivery.rules.service import add_cap, set_clocks, set_suitability
from antiphon.execution.delivery.store import Claimed, dispatch_of
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
SAY = Content(subject="Hello", text="Hello")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as heard:
        await add_account(ctx)
        yield heard


async def cap(ctx: Context, conn: Connection, most: int, length: timedelta, **more: Any) -> None:
    values = {
        "name": f"{most} in {length} {more}", "most": most, "seconds": int(length.total_seconds()), "classes": ["marketing"], "topics": [],
        "channels": [], "enabled": True,
    }  # fmt: skip
    await add_cap(ctx, conn, SYSTEM, values | more)


async def clocks(conn: Connection, zone: str = "UTC", **more: Any) -> None:
    await set_clocks(conn, SYSTEM, msgspec.convert({"timezone": zone, **more}, Clocks))


async def tell(ctx: Context, conn: Connection, key: str, ids: Sequence[int], **more: Any) -> dict[Any, str]:
    """Hand in a message to these people; what became of each, after checking that the gate said the same when only asked."""
    new = {"channel": "parrot", "message_class": "marketing", "content": SAY}
    of_intents = {k: more.pop(k) for k in ("suffixes", "due_at", "local_at", "held_out", "expires_at") if k in more}
    if more.get("message_class", "marketing") == "marketing":
        new["topic"] = "news"
    dispatch = await open_dispatch(ctx, conn, NewDispatch(key=key, **{**new, **more}))
    intents = Intents(profile_ids=ids, **of_intents)
    before = await estimate(ctx, conn, dispatch, intents)
    told = await submit(ctx, conn, dispatch, intents)
    assert before == told
    assert told.total == len(ids)
    rows = await (
        await conn.execute(
            "select case when intent_key = %s then profile_id::text else intent_key end, coalesce(reason, state) from delivery"
            " where dispatch_id = %s", (key, dispatch.id),
        )
    ).fetchall()
    assert len(rows) == len(ids), "every intent ends in exactly one row"
    return {int(one) if one.isdigit() else one.removeprefix(key + ":"): became for one, became in rows}


async def became(ctx: Context) -> dict[int, tuple[str, str | None]]:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select id, state, reason from delivery")).fetchall()
    return {one: (state, reason) for one, state, reason in rows}


def later(ctx: Context, length: timedelta) -> datetime:
    ctx.clock.advance(length)  # type: ignore[attr-defined]
    return ctx.clock.now()


async def test_a_cap_counts_over_a_sliding_window(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await cap(ctx, conn, 2, 7 * DAY)
        assert await tell(ctx, conn, "a", [1, 2]) == {1: "queued", 2: "queued"}
        later(ctx, 3 * DAY)
        assert await tell(ctx, conn, "b", [1]) == {1: "queued"}
        later(ctx, DAY)
        assert await tell(ctx, conn, "c", [1, 2]) == {1: "frequency_cap", 2: "queued"}
        later(ctx, 3 * DAY)
        assert await tell(ctx, conn, "d", [1, 2]) == {1: "queued", 2: "queued"}


async def test_several_caps_by_class_topic_and_channel(ctx: Context, parrot: Parrot) -> None:
    service = {"message_class": "service"}
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await cap(ctx, conn, 3, DAY, classes=["marketing", "service"])
        await cap(ctx, conn, 1, DAY, channels=["parrot"], topics=["news"])
        await cap(ctx, conn, 1, DAY, classes=["service"], channels=["email"])
        await cap(ctx, conn, 1, HOUR, classes=["service"], enabled=False)
        assert await tell(ctx, conn, "a", [1], **service) == {1: "queued"}
        assert await tell(ctx, conn, "b", [1], **service) == {1: "queued"}
        assert await tell(ctx, conn, "c", [1]) == {1: "queued"}
        assert await tell(ctx, conn, "d", [1]) == {1: "frequency_cap"}
        assert await tell(ctx, conn, "e", [1], message_class="transactional") == {1: "queued"}
        assert await tell(ctx, conn, "f", [1], message_class="one_time_code") == {1: "queued"}


async def test_two_intents_for_one_person_are_judged_in_order(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await cap(ctx, conn, 2, DAY)
        told = await tell(ctx, conn, "a", [1, 2, 1, 1], suffixes=["x", "y", "z", "w"])
    assert told == {"x": "queued", "y": "queued", "z": "queued", "w": "frequency_cap"}


async def test_what_was_not_said_after_all_makes_room_again(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await cap(ctx, conn, 1, DAY)
        assert await tell(ctx, conn, "a", [1]) == {1: "queued"}
        assert await tell(ctx, conn, "b", [1]) == {1: "frequency_cap"}
        await conn.execute("update consent_state set state = 'withdrawn'")
    await speak(ctx)
    assert set((await became(ctx)).values()) == {("suppressed", "consent_withdrawn"), ("suppressed", "frequency_cap")}
    async with ctx.db.transaction() as conn:
        await conn.execute("update consent_state set state = 'granted'")
        assert await tell(ctx, conn, "c", [1]) == {1: "queued"}


async def test_what_is_planned_counts_and_what_was_handed_in_before_is_not_counted_twice(ctx: Context, parrot: Parrot) -> None:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await cap(ctx, conn, 1, DAY)
        assert await tell(ctx, conn, "later", [1], due_at=now + 10 * HOUR) == {1: "planned"}
        assert await tell(ctx, conn, "now", [1]) == {1: "frequency_cap"}
        assert await tell(ctx, conn, "much later", [1], due_at=now + 35 * HOUR) == {1: "planned"}
        dispatch = await open_dispatch(
            ctx, conn, NewDispatch(key="later", channel="parrot", message_class="marketing", topic="news", content=SAY)
        )
        await submit(ctx, conn, dispatch, Intents(profile_ids=[1], due_at=now + 10 * HOUR))
        assert (await (await conn.execute("select count(*) from contact")).fetchone()) == (2,)


async def test_people_who_want_fewer_messages_get_fewer(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        said = Said(profile_id=1, at=ctx.clock.now(), source="t", wishes={"frequency": "weekly"})
        await state_preferences(ctx, conn, [said])
        assert await tell(ctx, conn, "a", [1, 2]) == {1: "queued", 2: "queued"}
        later(ctx, 6 * DAY)
        assert await tell(ctx, conn, "b", [1, 2]) == {1: "customer_frequency", 2: "queued"}
        assert await tell(ctx, conn, "c", [1], message_class="service") == {1: "queued"}
        later(ctx, DAY)
        assert await tell(ctx, conn, "d", [1]) == {1: "queued"}


async def test_quiet_hours_move_a_message_to_their_end(ctx: Context, parrot: Parrot) -> None:
    """Noon UTC is 21:00 in Tokyo and 05:00 in Los Angeles."""
    zones = {1: "Asia/Tokyo", 2: "America/Los_Angeles", 3: "Europe/Berlin", 4: None, 5: "Nowhere/Such"}
    async with ctx.db.transaction() as conn:
        await add_people(conn, 6)
        for one, zone in zones.items():
            await conn.execute("update profile set traits = jsonb_build_object('timezone', %s::text) where id = %s", (zone, one))
        said = {"from": "14:00", "to": "15:00", "zone": "Europe/Berlin"}
        await state_preferences(ctx, conn, [Said(profile_id=6, at=ctx.clock.now(), source="t", wishes={"quiet_hours": said})])
        await clocks(conn, "Asia/Shanghai", quiet={"marketing": {"from": "20:00", "to": "08:00"}})
        told = await tell(ctx, conn, "a", range(1, 7))
        rows = await (await conn.execute("select profile_id, due_at from delivery order by 1")).fetchall()
        assert await tell(ctx, conn, "b", [1, 6], message_class="transactional") == {1: "queued", 6: "queued"}
        assert await tell(ctx, conn, "c", [1, 6], message_class="service") == {1: "queued", 6: "quiet_hours"}
    assert told == {1: "quiet_hours", 2: "quiet_hours", 3: "queued", 4: "quiet_hours", 5: "quiet_hours", 6: "quiet_hours"}
    assert {one: at.astimezone(UTC).strftime("%d %H:%M") for one, at in rows} == {
        1: "01 23:00", 2: "01 15:00", 3: "01 12:00", 4: "02 00:00", 5: "02 00:00", 6: "01 13:00",
    }  # fmt: skip
    await speak(ctx)
    assert parrot.heard.count("p2@example.com") == 0
    later(ctx, 3 * HOUR)
    await speak(ctx)
    assert "p2@example.com" in parrot.heard and "p1@example.com" in parrot.heard, "service spoke to the first"


async def test_quiet_hours_that_begin_before_it_is_said_put_it_off_again(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await tell(ctx, conn, "a", [1])
        await tell(ctx, conn, "b", [2], expires_at=ctx.clock.now() + 15 * HOUR)
        await clocks(conn, quiet={"marketing": {"from": "20:00", "to": "08:00"}})
    later(ctx, 10 * HOUR)
    await speak(ctx)
    assert parrot.heard == []
    assert sorted((await became(ctx)).values()) == [("expired", "quiet_too_long"), ("planned", "quiet_hours")]
    later(ctx, 10 * HOUR)
    await speak(ctx)
    assert parrot.heard == ["p1@example.com"]


async def test_quiet_for_longer_than_it_has_meaning(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await clocks(conn, quiet={"marketing": {"from": "11:00", "to": "15:00"}})
        assert await tell(ctx, conn, "a", [1], expires_at=ctx.clock.now() + HOUR) == {1: "quiet_too_long"}
    assert list((await became(ctx)).values()) == [("expired", "quiet_too_long")]


async def test_said_at_the_same_wall_time_everywhere(ctx: Context, parrot: Parrot) -> None:
    zones = {1: "Asia/Tokyo", 2: "America/New_York", 3: "Europe/Berlin"}
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        for one, zone in zones.items():
            await conn.execute("update profile set traits = jsonb_build_object('timezone', %s::text) where id = %s", (zone, one))
        wall = datetime(2026, 6, 1, 18)
        assert await tell(ctx, conn, "a", [1, 2, 3], local_at=wall) == {1: "queued", 2: "planned", 3: "planned"}
        rows = await (await conn.execute("select due_at from delivery order by profile_id")).fetchall()
    assert [at.astimezone(UTC).strftime("%H:%M") for (at,) in rows] == ["12:00", "22:00", "16:00"], "Tokyo's was three hours ago"


async def test_suitability(ctx: Context, parrot: Parrot) -> None:
    table = [
        Suitability(purpose="newsletter", channel="parrot", verdict="refused"),
        Suitability(purpose="one_time_code", channel="parrot", verdict="reserve"),
        Suitability(purpose="promotion", channel="parrot", verdict="default"),
    ]
    code: dict[str, Any] = {"message_class": "one_time_code"}
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await set_suitability(ctx, conn, SYSTEM, table)
        assert await tell(ctx, conn, "a", [1], purpose="newsletter") == {1: "unsuitable_channel"}
        assert await tell(ctx, conn, "b", [1], purpose="promotion") == {1: "queued"}
        assert await tell(ctx, conn, "c", [1], purpose="survey") == {1: "queued"}
        assert await tell(ctx, conn, "d", [1], **code) == {1: "unsuitable_channel"}, "alone it is none"
        later(ctx, HOUR)
        await set_suitability(ctx, conn, SYSTEM, [Suitability(purpose="promotion", channel="parrot", verdict="refused")])
    await speak(ctx)
    assert parrot.heard == ["p1@example.com"], "the table is asked again just before speaking"
    assert ("suppressed", "unsuitable_channel") in (await became(ctx)).values()


async def test_a_purpose_has_its_usual_channels(ctx: Context, parrot: Parrot) -> None:
    new = NewDispatch(key="a", channel="", message_class="service", purpose="order_status", content=SAY)
    async with ctx.db.transaction() as conn:
        await set_suitability(ctx, conn, SYSTEM, [
            Suitability(purpose="order_status", channel=name, verdict="default", rank=rank)
            for rank, name in enumerate(("pigeon", "email", "parrot"))
        ])  # fmt: skip
        assert (await open_dispatch(ctx, conn, new)).channel == "parrot", "e-mail has no account yet, pigeons there are none"
        with pytest.raises(NoAccount):
            await open_dispatch(ctx, conn, msgspec.structs.replace(new, key="b", purpose="survey"))


async def test_a_holdout_gets_no_marketing_and_stays_the_same(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 200)
        one = await set_holdout(ctx, conn, SYSTEM, "universal", title="", percent=20, period="always", enabled=True, redraw=False)
        out = {i for i, held in zip(ids, held_out(ctx.secret, "universal", 20, ids, one.salt), strict=True) if held}
        assert 20 < len(out) < 60
        first = await tell(ctx, conn, "a", ids)
        assert {i for i, reason in first.items() if reason == "holdout"} == out
        assert set((await tell(ctx, conn, "b", ids, message_class="service")).values()) == {"queued"}
        own = await tell(ctx, conn, "c", ids, held_out=[ids[0], ids[1]])
        assert {i for i, reason in own.items() if reason == "holdout"} == out | {ids[0], ids[1]}


async def test_a_more_urgent_message_displaces_one_that_waits(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await cap(ctx, conn, 1, DAY, classes=["marketing", "service"])
        assert await tell(ctx, conn, "usual", [1, 2], priority=5) == {1: "queued", 2: "queued"}
        assert await tell(ctx, conn, "less", [1], priority=7) == {1: "frequency_cap"}
        assert await tell(ctx, conn, "same", [1], priority=5) == {1: "frequency_cap"}
        assert await tell(ctx, conn, "more", [1, 3], priority=2) == {1: "queued", 3: "queued"}
        assert await tell(ctx, conn, "class", [2, 3], message_class="service", priority=9) == {2: "queued", 3: "queued"}
    await speak(ctx)
    async with ctx.db.connection() as conn:
        rows = await (
            await conn.execute("select profile_id, p.key, d.detail from delivery d join dispatch p on p.id = d.dispatch_id"
                               " where reason = 'displaced' order by 1")
        ).fetchall()  # fmt: skip
        said = await (
            await conn.execute("select profile_id, p.key from delivery d join dispatch p on p.id = d.dispatch_id"
                               " where d.state = 'sent' order by 1")
        ).fetchall()  # fmt: skip
    assert rows == [(1, "usual", "more"), (2, "usual", "class"), (3, "more", "class")]
    assert said == [(1, "more"), (2, "class"), (3, "class")]


async def displacing(ctx: Context, **more: Any) -> None:
    """Two messages to two people, which two more urgent ones displace."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await cap(ctx, conn, 1, DAY, classes=["marketing", "service"])
        assert await tell(ctx, conn, "usual", [1, 2], **more) == {1: "queued", 2: "queued"}
        for one in (1, 2):
            assert await tell(ctx, conn, f"more {one}", [one], priority=1) == {one: "queued"}


async def fate(ctx: Context, key: str = "usual") -> list[str]:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select coalesce(d.reason, d.state) from delivery d join dispatch p on p.id = d.dispatch_id"
            " where p.key = %s order by profile_id", (key,)
        )).fetchall()  # fmt: skip
    return [row[0] for row in rows]


async def look(ctx: Context, after: timedelta) -> None:
    later(ctx, after)
    await run_until_idle(ctx, [RETURNING])


async def test_what_was_displaced_is_said_when_what_displaced_it_is_not(ctx: Context, parrot: Parrot) -> None:
    await displacing(ctx)
    assert await fate(ctx) == ["displaced", "displaced"]
    await look(ctx, timedelta(minutes=2))
    assert await fate(ctx) == ["displaced", "displaced"], "there is no room yet"
    async with ctx.db.transaction() as conn:
        await conn.execute("update dispatch set state = 'cancelled' where key = 'more 1'")
    await speak(ctx)
    assert parrot.heard == ["p2@example.com"]
    await look(ctx, timedelta(minutes=20))
    await speak(ctx)
    assert parrot.heard == ["p2@example.com", "p1@example.com"] and await fate(ctx) == ["accepted", "displaced"]
    async with ctx.db.connection() as conn:
        done = await (await conn.execute("select verb, by, reason, detail from delivery_intervention")).fetchall()
    assert done == [("room", "Antiphon", "displaced", "more 1")]


async def test_what_was_displaced_is_said_when_the_caps_stretch_is_over(ctx: Context, parrot: Parrot) -> None:
    await displacing(ctx)
    await speak(ctx)
    await look(ctx, 23 * HOUR)
    assert await fate(ctx) == ["displaced", "displaced"]
    await look(ctx, 2 * HOUR)
    await speak(ctx)
    assert await fate(ctx) == ["accepted", "accepted"] and len(parrot.heard) == 4


async def test_what_was_displaced_is_tried_once_and_not_after_its_time(ctx: Context, parrot: Parrot) -> None:
    await displacing(ctx, expires_at=ctx.clock.now() + 30 * HOUR)
    async with ctx.db.transaction() as conn:
        await conn.execute("update dispatch set state = 'cancelled' where key = 'more 1'")
    await speak(ctx)
    await look(ctx, HOUR)
    async with ctx.db.transaction() as conn:
        assert await tell(ctx, conn, "again", [1], priority=1) == {1: "queued"}
        await conn.execute("update dispatch set state = 'cancelled' where key = 'again'")
    await speak(ctx)
    await look(ctx, HOUR)
    assert await fate(ctx) == ["displaced", "displaced"], "it gave way twice"
    await look(ctx, 40 * HOUR)
    assert await fate(ctx) == ["displaced", "displaced"] and parrot.heard == ["p2@example.com"]
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select count(*) from delivery_displaced")).fetchone() == (0,)


async def test_what_was_said_is_not_displaced(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await cap(ctx, conn, 1, DAY)
        await tell(ctx, conn, "usual", [1])
    await speak(ctx)
    async with ctx.db.transaction() as conn:
        assert await tell(ctx, conn, "urgent", [1], priority=0) == {1: "frequency_cap"}


async def test_caps_hold_again_just_before_speaking(ctx: Context, parrot: Parrot) -> None:
    """Two gates at once each saw room for one; the second to speak finds there is none."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        assert await tell(ctx, conn, "a", [1]) == {1: "queued"}
        assert await tell(ctx, conn, "b", [1]) == {1: "queued"}
        await cap(ctx, conn, 1, DAY)
    await speak(ctx)
    assert parrot.heard == ["p1@example.com"]
    assert sorted((await became(ctx)).items()) == [(1, ("sent", "accepted")), (2, ("suppressed", "frequency_cap"))]


async def test_a_message_said_late_counts_when_it_is_said(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        await cap(ctx, conn, 1, DAY)
        await tell(ctx, conn, "a", [1])
    later(ctx, 20 * HOUR)
    await speak(ctx)
    assert parrot.heard == ["p1@example.com"]
    later(ctx, 20 * HOUR)
    async with ctx.db.transaction() as conn:
        assert await tell(ctx, conn, "b", [1]) == {1: "frequency_cap"}
        later(ctx, 5 * HOUR)
        assert await tell(ctx, conn, "c", [1]) == {1: "queued"}


async def test_the_channel_a_customer_prefers_is_left_to_its_hop(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await state_preferences(ctx, conn, [Said(profile_id=1, at=ctx.clock.now(), source="t", wishes={"channel": "email"})])
        assert await tell(ctx, conn, "alone", [1, 2]) == {1: "queued", 2: "queued"}
        account = await add_account(ctx, "email", host="127.0.0.1", from_email="a@shop.example")
        hops = (Hop(channel="email", account_id=account),)
        assert await tell(ctx, conn, "chain", [1, 2], hops=hops) == {1: "prefers_other_channel", 2: "queued"}


async def test_merged_people_have_one_history(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await cap(ctx, conn, 1, DAY)
        assert await tell(ctx, conn, "a", [2]) == {2: "queued"}
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 't')")
        await fold_contacts(ctx, conn, ProfilesMerged(gone=[2], into=[1]))
        assert await tell(ctx, conn, "b", [1, 2]) == {1: "frequency_cap", 2: "frequency_cap"}
        await conn.execute("delete from alias")
        await part_contacts(ctx, conn, MergeUndone(revived=2, survivor=1))
        assert await tell(ctx, conn, "c", [1, 2]) == {1: "queued", 2: "frequency_cap"}


async def test_contacts_nobody_looks_back_to_are_pruned(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 5)
        await tell(ctx, conn, "a", [1, 2, 3, 4, 5])
        later(ctx, 40 * DAY)
        await tell(ctx, conn, "b", [1, 2])
    await run_until_idle(ctx, [PRUNING])
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select profile_id from contact order by 1")).fetchall() == [(1,), (2,)]


async def test_the_second_look_agrees_with_the_first(ctx: Context, parrot: Parrot) -> None:
    """Whatever passed may be said at the same moment, and what would be refused now is refused then for the same reason."""
    zones = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "nonsense")
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 60)
        await conn.execute(
            "update profile set traits = jsonb_build_object('timezone', (%s::text[])[1 + id %% 4])", (list(zones),)
        )
        wishes: list[dict[str, Any]] = [
            {"frequency": "daily"}, {"quiet_hours": {"from": "13:00", "to": "16:00", "zone": "Europe/Berlin"}}, {"channel": "email"}
        ]
        await state_preferences(ctx, conn, [
            Said(profile_id=i, at=ctx.clock.now(), source="t", wishes=wishes[i % 3]) for i in ids if i % 2
        ])  # fmt: skip
        await cap(ctx, conn, 2, DAY)
        await set_holdout(ctx, conn, SYSTEM, "universal", title="", percent=10, period="month", enabled=True, redraw=False)
        await clocks(conn, quiet={"marketing": {"from": "20:00", "to": "08:00"}})
        for key in ("a", "b", "c"):
            await tell(ctx, conn, key, ids[:: 1 + ord(key) % 2])
        first = [(dispatch, rows) for dispatch, rows in await claimed(conn) if rows]
        assert len(first) > 1
        for dispatch, rows in first:
            assert set((await look_again(ctx, conn, dispatch, rows)).values()) == {None}
        await conn.execute("update consent_state set state = 'withdrawn' where profile_id % 3 = 0")
        await set_holdout(ctx, conn, SYSTEM, "universal", title="", percent=30, period="month", enabled=True, redraw=False)
        for dispatch, rows in first:
            again = await look_again(ctx, conn, dispatch, rows)
            intents = Intents(profile_ids=[row.profile_id for row in rows])
            seen = await see(ctx, conn, msgspec.structs.replace(dispatch, key="asked anew"), intents)
            anew = dict(zip([row.delivery_id for row in rows], seen.judged.named(), strict=True))
            # its own place under a cap is taken by itself
            assert {one: None if reason in ("frequency_cap", "customer_frequency") else reason for one, reason in anew.items()} == again


async def claimed(conn: Connection) -> list[tuple[Dispatch, list[Claimed]]]:
    """Everything that waits and is due, as a sender would have it in hand."""
    rows = await (
        await conn.execute(
            "select q.delivery_id, q.profile_id, q.dispatch_id, q.bucket, 1, 0, q.expires_at, q.due_at, d.address"
            " from delivery_queue q join delivery d on d.id = q.delivery_id where d.state = 'queued' order by 3, 1"
        )
    ).fetchall()
    dispatches = await (await conn.execute("select key, id from dispatch order by id")).fetchall()
    found = []
    for key, one in dispatches:
        dispatch = await dispatch_of(conn, key)
        assert dispatch is not None
        found.append((dispatch, [Claimed(*row, None, None) for row in rows if row[2] == one]))
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_sent_caps_hold(ctx: Context, parrot: Parrot, seed: int) -> None:
    """A month of random messages, some planned ahead, some urgent, some never said: no stretch has more than its cap."""
    chance = Random(seed)
    limits = [(chance.randint(1, 3), chance.choice([6, 24, 72]) * HOUR) for _ in range(2)]
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 4)
        for number, (most, length) in enumerate(limits):
            await cap(ctx, conn, most, length, name=f"cap {number}", classes=["marketing", "service"])
    for turn in range(25):
        async with ctx.db.transaction() as conn:
            kind: dict[str, Any] = {"message_class": "service"} if chance.random() < 0.3 else {}
            if chance.random() < 0.3:
                kind["due_at"] = ctx.clock.now() + chance.randint(1, 30) * HOUR
            some = chance.choices(ids, k=chance.randint(1, 5))
            await tell(
                ctx, conn, f"m{turn}", some, suffixes=[f"s{n}" for n in range(len(some))], priority=chance.randint(3, 6), **kind
            )
            if chance.random() < 0.15:
                await conn.execute("update dispatch set state = 'cancelled' where key = %s", (f"m{turn}",))
        if chance.random() < 0.8:
            await speak(ctx)
        later(ctx, chance.randint(0, 9) * HOUR)
    later(ctx, 3 * DAY)
    await speak(ctx)
    async with ctx.db.connection() as conn:
        rows = await (
            await conn.execute("select profile_id, sent_at from delivery where sent_at is not null order by 1, 2")
        ).fetchall()
        left = await (await conn.execute("select count(*) from delivery_queue")).fetchone()
    assert left == (0,) and len(rows) > 4
    for one in ids:
        times = [at for person, at in rows if person == one]
        for most, length in limits:
            assert all(sum(t - length < other <= t for other in times) <= most for t in times)


async def test_many_parts_end_as_one_by_one(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, 50)
        await add_people(conn, 10, first=60, consent=None)
        await cap(ctx, conn, 1, DAY)
        await tell(ctx, conn, "before", ids[:20], priority=7)
        dispatch = await open_dispatch(
            ctx, conn, NewDispatch(key="all", channel="parrot", message_class="marketing", topic="news", content=SAY)
        )
    everybody = [*ids, *range(60, 70)]
    told = await submit_all(ctx, dispatch, chunks(Intents(profile_ids=everybody), 7))
    assert (told.passed, told.refused) == (50, {"no_consent": 10}), "urgent enough to displace the twenty"
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select reason, count(*) from delivery group by 1 order by 1 nulls first")).fetchall()
        waits = await (await conn.execute("select count(*), count(distinct profile_id) from delivery_queue")).fetchone()
    assert rows == [(None, 50), ("displaced", 20), ("no_consent", 10)] and waits == (50, 50)
