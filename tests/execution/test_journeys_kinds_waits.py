"""Steps where people stay: how long, until which date, until which hour where they are, until what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st
from tests.execution.cast import speak
from tests.execution.journeys_cast import did, step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.execution.delivery.heard import Heard
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.journeys.kinds import clocks
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

ENDS = (step("on", "end", reason="on"), step("missing", "end", reason="missing"))


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


async def wakes(on: Scene) -> dict[int, datetime]:
    rows = await on.rows("select profile_id, wake_at from journey_run")
    return {row["profile_id"]: row["wake_at"] for row in rows}


async def zone(on: Scene, person: int, name: str) -> None:
    await on.do("update profile set traits = traits || jsonb_build_object('timezone', %s::text) where id = %s", name, person)


async def test_a_wait_lasts_from_when_they_came(on: Scene) -> None:
    await on.enter(await on.journey(step("rest", "wait", {"next": "on"}, seconds=3600), *ENDS), 1)
    assert await wakes(on) == {1: on.clock.now() + timedelta(hours=1)}
    await on.go(minutes=59)
    assert await on.over() == {}
    await on.go(minutes=1)
    assert await on.over() == {1: "on"}


async def test_until_an_instant_and_until_a_wall_time_where_they_are(on: Scene) -> None:
    await zone(on, 2, "Asia/Tokyo")
    at = await on.journey(step("until", "wait_until", {"next": "on"}, date="2026-06-03T09:00:00+02:00"), *ENDS)
    await on.enter(at, 1, 2)
    assert set((await wakes(on)).values()) == {datetime(2026, 6, 3, 7, tzinfo=UTC)}
    await on.do("delete from journey_run")
    wall = await on.journey(step("until", "wait_until", {"next": "on"}, date="2026-06-03T09:00:00"), *ENDS)
    await on.enter(wall, 1, 2)
    assert await wakes(on) == {1: datetime(2026, 6, 3, 9, tzinfo=UTC), 2: datetime(2026, 6, 3, 0, tzinfo=UTC)}


async def test_a_date_that_is_over_goes_on_with_the_reason(on: Scene) -> None:
    plan = await on.journey(step("until", "wait_until", {"next": "on"}, date="1970-01-02T00:00:00Z"), *ENDS)
    await on.enter(plan, 1)
    assert (await on.told(1))[0]["w"] == {"past": True, "date": "1970-01-02T00:00:00+00:00"}
    assert await on.over() == {1: "on"}


async def test_until_days_before_a_date_of_theirs(on: Scene) -> None:
    await zone(on, 1, "America/New_York")
    for person, value in ((1, "2026-06-10"), (2, "2026-06-10T08:30:00Z"), (3, "soon"), (4, 12), (5, "2026-06-01"), (6, "9999-12-31")):
        await on.do("update profile set traits = traits || jsonb_build_object('renews', %s::text::jsonb) where id = %s",
                    f'"{value}"' if isinstance(value, str) else str(value), person)  # fmt: skip
    plan = await on.journey(step("until", "wait_until", {"next": "on", "missing": "missing"}, trait="renews", offset_days=-2,
                                 time="10:00"), *ENDS)  # fmt: skip
    await on.enter(plan, 1, 2, 3, 4, 5, 6)
    found = await wakes(on)
    assert found.pop(6).year == 9999
    assert found == {1: datetime(2026, 6, 8, 14, tzinfo=UTC), 2: datetime(2026, 6, 8, 10, tzinfo=UTC)}
    assert await on.over() == {3: "missing", 4: "missing", 5: "on"}
    assert (await on.told(3))[0]["w"] == {"found": "soon"}
    assert (await on.told(5))[0]["w"]["past"] is True


async def test_until_a_birthday(on: Scene) -> None:
    for person, born in ((1, "1990-06-05"), (2, "1990-05-31"), (3, "2000-02-29")):
        await on.do("update profile set traits = traits || jsonb_build_object('born', %s::text) where id = %s", born, person)
    plan = await on.journey(step("until", "wait_until", {"next": "on"}, trait="born", yearly=True, offset_days=-1, time="09:00"), *ENDS)
    await on.enter(plan, 1, 2, 3)
    assert await wakes(on) == {
        1: datetime(2026, 6, 4, 9, tzinfo=UTC), 2: datetime(2027, 5, 30, 9, tzinfo=UTC), 3: datetime(2027, 2, 28, 9, tzinfo=UTC),
    }  # fmt: skip


async def test_an_hour_that_never_comes_and_one_that_comes_twice(on: Scene) -> None:
    """Madrid's clocks jump from 2 to 3 on 28 March 2027, and go back from 3 to 2 on 25 October 2026."""
    await zone(on, 1, "Europe/Madrid")
    await on.do("""update profile set traits = traits || '{"d": "2027-03-28", "e": "2026-10-25"}' where id = 1""")
    for trait, instant, word in (("d", datetime(2027, 3, 28, 1, tzinfo=UTC), "skipped"), ("e", datetime(2026, 10, 25, tzinfo=UTC), "twice")):
        day = "2027-03-28" if word == "skipped" else "2026-10-25"
        for said in ({"trait": trait, "time": "02:30"}, {"date": f"{day}T02:30:00"}):
            plan = await on.journey(step("until", "wait_until", {"next": "on"}, **said), *ENDS)
            await on.enter(plan, 1)
            expected = instant if word == "skipped" else instant + timedelta(minutes=30)
            assert await wakes(on) == {1: expected}
            assert [line["w"]["clocks"] for line in await on.told(1)][-1] == word
            await on.do("delete from journey_run")
            await on.do("delete from journey_history")


async def test_until_a_time_of_day_and_week_where_they_are(on: Scene) -> None:
    """It is Monday noon in UTC, 21:00 in Tokyo."""
    await zone(on, 2, "Asia/Tokyo")
    plan = await on.journey(step("day", "wait_time", {"next": "on"}, since="09:00", until="18:00", days=[1, 2, 3, 4, 5]), *ENDS)
    await on.enter(plan, 1, 2)
    assert await on.over() == {1: "on"}
    assert await wakes(on) == {2: datetime(2026, 6, 2, 0, tzinfo=UTC)}
    point = await on.journey(step("day", "wait_time", {"next": "on"}, since="11:00", days=[1]), *ENDS)
    await on.enter(point, 3)
    assert (await wakes(on))[3] == datetime(2026, 6, 8, 11, tzinfo=UTC)
    night = await on.journey(step("day", "wait_time", {"next": "on"}, since="22:00", until="02:00", days=[1]), *ENDS)
    await on.enter(night, 4)
    assert (await wakes(on))[4] == datetime(2026, 6, 1, 22, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(
    at=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)), name=st.sampled_from(["Europe/Madrid", "Australia/Lord_Howe", "Asia/Tokyo"]),
    since=st.sampled_from(["00:00", "02:15", "02:30", "09:00", "23:30"]), days=st.sets(st.integers(1, 7), min_size=1),
)  # fmt: skip
def test_a_time_of_day_is_the_first_that_comes(at: datetime, name: str, since: str, days: set[int]) -> None:
    zone, now = ZoneInfo(name), at.replace(tzinfo=UTC)
    found, note = clocks.next_time(now, zone, since, None, sorted(days))
    assert found is not None
    assert now <= found <= now + timedelta(days=9)
    local = found.astimezone(zone)
    assert note == "skipped" or (f"{local:%H:%M}" == since and local.isoweekday() in days)
    probe = now + timedelta(minutes=(60 - now.second) / 60 if now.second else 0)
    while probe < found - timedelta(minutes=1):  # nothing that came before would have done
        here = probe.astimezone(zone)
        assert not (f"{here:%H:%M}" == since and here.isoweekday() in days and here.second == 0)
        probe += timedelta(minutes=5) if here.minute % 5 == 0 else timedelta(minutes=1)


async def test_until_an_event_that_means_this(on: Scene) -> None:
    paid = {"event": "Paid", "filters": [{"property": "total", "op": "ge", "value": 10}]}
    plan = await on.journey(step("until", "wait_event", {"happened": "on", "timeout": "missing"}, match=paid, timeout_seconds=3600), *ENDS)
    await on.enter(plan, 1, 2, 3)
    await on.go(seconds=10)
    async with on.ctx.db.transaction() as conn:
        await did(on.ctx, conn, (1, "Paid", {"total": 12}), (2, "Paid", {"total": 2}), (3, "Seen", {}))
        await did(on.ctx, conn, (3, "Paid", {"total": 99}), ago=3600)  # before they came
    await on.go()
    assert await on.over() == {1: "on"}
    assert {row["memory"] is None for row in await on.rows("select memory from journey_run")} == {True}
    await on.go(hours=1)
    assert await on.over() == {1: "on", 2: "missing", 3: "missing"}


async def test_what_was_heard_is_carried_along(on: Scene) -> None:
    plan = await on.journey(step("until", "wait_event", {"happened": "rest"}, match={"event": "Paid"}), step("rest", "wait", seconds=60))
    await on.enter(plan, 1, memory={"entry": {"a": 1}})
    await on.go(seconds=10)
    async with on.ctx.db.transaction() as conn:
        await did(on.ctx, conn, (1, "Paid", {"total": 12, "long": "x" * 9000}))
    await on.go()
    (row,) = await on.rows("select memory, step from journey_run")
    assert (row["step"], row["memory"]) == (1, {"entry": {"a": 1}, "heard": {"until": {"total": 12}}})


async def test_until_a_message_is_answered(on: Scene) -> None:
    steps: tuple[Any, ...] = (
        step("hello", "message", {"next": "until"}, channel="parrot", topic="news", content=TEXT),
        step("until", "wait_answer", {"answered": "on", "timeout": "missing"}, step="hello", what="opened", channels=["parrot"],
             timeout_seconds=3600),
    )  # fmt: skip
    plan = await on.journey(*steps, *ENDS)
    await on.enter(plan, 1, 2)
    await speak(on.ctx)
    (row,) = await on.rows("select id from delivery where profile_id = 1")
    await on.go(seconds=10)
    hearing = Hearing(on.ctx)
    await hearing.hear(Heard(kind="opened", at=on.clock.now(), delivery_id=row["id"], profile_id=1))
    await hearing.close()
    async with on.ctx.db.transaction() as conn:
        await did(on.ctx, conn, (1, "Parrot Opened"), (2, "Parrot Opened"))  # an open of another message says nothing
    await on.go()
    assert await on.over() == {1: "on"}
    await on.go(hours=1)
    assert await on.over() == {1: "on", 2: "missing"}


async def test_who_answered_before_does_not_wait(on: Scene) -> None:
    plan = await on.journey(
        step("hello", "message", {"next": "rest"}, channel="parrot", topic="news", content=TEXT),
        step("rest", "wait", {"next": "until"}, seconds=60),
        step("until", "wait_answer", {"answered": "on"}, step="hello", what="clicked"), *ENDS,
    )  # fmt: skip
    await on.enter(plan, 1, 2)
    await speak(on.ctx)
    await on.do("update delivery set clicked_at = now() where profile_id = 1")
    await on.go(minutes=1)
    assert await on.over() == {1: "on"}
