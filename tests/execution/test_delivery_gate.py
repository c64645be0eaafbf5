"""The gate: every reason it can give, and that it decides the same asked as told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.execution.cast import add_account, add_people, stage

from antiphon.awareness.consent import Suppressed, suppress
from antiphon.execution.delivery import Content, Intents, NewDispatch, NoAccount, estimate, open_dispatch, submit, submit_one
from antiphon.execution.delivery.errors import NothingToSay, TopicMissing
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store

SAY = Content(subject="Hello", text="Hello")
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", content=SAY, campaign_id=1, occurrence="1"
)


@pytest.fixture
async def scene(ctx: Context) -> AsyncIterator[Context]:
    async with stage(ctx):
        await add_account(ctx)
        yield ctx


async def decide(ctx: Context, conn: Connection, new: NewDispatch, ids: list[int], **more: object) -> dict[int, str | None]:
    """Hand in intents; the reason of each ledger row by person, after checking that an estimate says the same."""
    dispatch = await open_dispatch(ctx, conn, new)
    intents = Intents(profile_ids=ids, **more)  # type: ignore[arg-type]
    asked = await estimate(ctx, conn, dispatch, intents)
    told = await submit(ctx, conn, dispatch, intents)
    assert asked == told
    assert told.total == len(ids)
    rows = await (
        await conn.execute("select profile_id, reason, state from delivery where dispatch_id = %s", (dispatch.id,))
    ).fetchall()
    for _, reason, state in rows:
        assert state == ("queued" if reason is None else "suppressed")
    return {profile: reason for profile, reason, _ in rows}


async def test_each_refusal_has_its_reason(scene: Context) -> None:
    now = scene.clock.now()
    async with scene.db.transaction() as conn:
        await add_people(conn, 3)
        await add_people(conn, 1, first=4, consent=None)
        await add_people(conn, 1, first=5, consent="withdrawn")
        await add_people(conn, 1, first=6, consent="pending")
        await add_people(conn, 1, first=7, address=False)
        await add_people(conn, 4, first=9)
        await conn.execute("update identity set value = 'not an address' where profile_id = 9")
        await suppress(scene, conn, [
            Suppressed(channel="parrot", address=f"p{i}@example.com", reason=reason, source="", at=now)
            for i, reason in ((10, "hard_bounce"), (11, "complaint"), (12, "manual"))
        ])  # fmt: skip
        await suppress(scene, conn, [Suppressed(channel="email", address="p1@example.com", reason="manual", source="", at=now)])
        reasons = await decide(scene, conn, NEWS, [*range(1, 13)], excluded=[2])
    assert reasons == {
        1: None, 2: "excluded", 3: None, 4: "no_consent", 5: "consent_withdrawn", 6: "consent_pending", 7: "no_address",
        8: "no_such_customer", 9: "invalid_address", 10: "suppressed_hard_bounce", 11: "suppressed_complaint",
        12: "suppressed_manual",
    }  # fmt: skip


@pytest.mark.parametrize(
    "message_class, refused",
    [
        ("one_time_code", {"hard_bounce", "manual"}),
        ("transactional", {"hard_bounce", "manual"}),
        ("service", {"hard_bounce", "complaint", "manual"}),
    ],
)
async def test_what_needs_no_consent_still_obeys_the_list(scene: Context, message_class: str, refused: set[str]) -> None:
    new = NewDispatch(key="m", channel="parrot", message_class=message_class, content=SAY)  # type: ignore[arg-type]
    reasons = {1: None, 2: "hard_bounce", 3: "complaint", 4: "manual"}
    async with scene.db.transaction() as conn:
        await add_people(conn, 4, consent=None)
        await suppress(scene, conn, [
            Suppressed(channel="parrot", address=f"p{i}@example.com", reason=r, source="", at=scene.clock.now())  # type: ignore[arg-type]
            for i, r in reasons.items() if r
        ])  # fmt: skip
        decided = await decide(scene, conn, new, [1, 2, 3, 4])
    assert decided == {i: f"suppressed_{r}" if r in refused else None for i, r in reasons.items()}


async def test_an_intent_handed_in_twice_is_one_row(scene: Context) -> None:
    async with scene.db.transaction() as conn:
        ids = await add_people(conn, 3)
        dispatch = await open_dispatch(scene, conn, NEWS)
        await submit(scene, conn, dispatch, Intents(profile_ids=ids))
        again = await open_dispatch(scene, conn, NEWS)
        assert again == dispatch
        await submit(scene, conn, again, Intents(profile_ids=ids))
        rows = await (await conn.execute("select count(*), count(distinct profile_id) from delivery")).fetchone()
        queued = await (await conn.execute("select count(*) from delivery_queue")).fetchone()
    assert rows == (3, 3) and queued == (3,)


async def test_a_merged_person_is_reached_where_the_survivor_is_and_once(scene: Context) -> None:
    async with scene.db.transaction() as conn:
        await add_people(conn, 2)
        await add_people(conn, 1, first=3, consent=None, address=False)
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (3, 1, 1, now(), 'test')")
        assert await decide(scene, conn, NEWS, [3]) == {3: None}
        row = await (await conn.execute("select address from delivery where profile_id = 3")).fetchone()
        assert row == ("p1@example.com",)
        assert await decide(scene, conn, NEWS, [1, 2]) == {3: None, 1: "duplicate_address", 2: None}


async def test_one_message_per_address_within_a_set(scene: Context) -> None:
    async with scene.db.transaction() as conn:
        await add_people(conn, 1)
        await add_people(conn, 2, first=3, consent=None, address=False)
        await conn.execute(
            "insert into alias (from_id, to_id, into_id, at, reason) values (3, 1, 1, now(), 't'), (4, 1, 1, now(), 't')"
        )
        assert await decide(scene, conn, NEWS, [4, 3, 1]) == {4: None, 3: "duplicate_address", 1: "duplicate_address"}


async def test_the_newest_address_is_used(scene: Context) -> None:
    async with scene.db.transaction() as conn:
        await add_people(conn, 1)
        await conn.execute(
            "insert into identity (kind, value, profile_id, created_at)"
            " values ('email', 'new@example.com', 1, now() + interval '1 hour'), ('email', 'old@example.com', 1, '2020-01-01')"
        )
        await decide(scene, conn, NEWS, [1])
        assert await (await conn.execute("select address from delivery")).fetchone() == ("new@example.com",)


async def test_staff_are_reached_by_address_and_only_there(scene: Context) -> None:
    new = NewDispatch(key="alert", channel="parrot", message_class="staff", content=SAY)
    async with scene.db.transaction() as conn:
        one = await submit_one(scene, conn, new, suffix="1", variables={}, address="ann@example.org")
        same = await submit_one(scene, conn, new, suffix="1", variables={}, address="ann@example.org")
        bad = await submit_one(scene, conn, new, suffix="2", variables={}, address="nowhere")
    assert one.state == "queued" and one == same
    assert (bad.state, bad.reason) == ("suppressed", "invalid_address")


async def test_a_dispatch_that_cannot_be_said_is_refused_at_once(scene: Context) -> None:
    async with scene.db.transaction() as conn:
        with pytest.raises(TopicMissing):
            await open_dispatch(scene, conn, NewDispatch(key="x", channel="parrot", message_class="marketing", content=SAY))
        with pytest.raises(NothingToSay):
            await open_dispatch(scene, conn, NewDispatch(key="x", channel="parrot", message_class="service"))
        with pytest.raises(NoAccount):
            await open_dispatch(scene, conn, NewDispatch(key="x", channel="email", message_class="service", content=SAY))
