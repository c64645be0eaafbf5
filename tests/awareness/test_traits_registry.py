"""What people say of a trait, and what follows: locked ones refuse, personal ones are hidden, the history of each is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.strategies import SearchStrategy
from tests.awareness.test_traits_computed import people, say

from antiphon.awareness.profiles import refusals
from antiphon.awareness.profiles.service import show_profile
from antiphon.awareness.traits import TYPES, mirror_profiles, observe_traits, registry, typed
from antiphon.awareness.traits.computed import Measured, service
from antiphon.awareness.traits.model import NoSuchTrait, TraitIsComputed
from antiphon.awareness.traits.service import JOBS, describe_trait
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.postgres import Database, Jsonb

pytestmark = pytest.mark.store


async def known(ctx: Context, profile: int) -> dict[str, Any]:
    async with ctx.db.connection() as conn:
        return dict((await show_profile(conn, profile)).traits)


async def test_a_locked_trait_refuses_and_says_so(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    now = clock.now()
    ann = await say(ctx, "ann", {"age": 31, "plan": "gold", "tags": ["a"]}, now)
    await mirror_profiles(ctx)
    await describe_trait(ctx, SYSTEM, "age", locked=True, unit="years")
    await describe_trait(ctx, SYSTEM, "plan", allowed=["gold", "red"])
    await describe_trait(ctx, SYSTEM, "tags", allowed=["a", "b"], locked=True)
    await say(ctx, "ann", {"age": "old", "plan": "blue", "tags": ["a", "z"], "other": 1}, now, "m2")
    assert await known(ctx, ann) == {"age": 31, "plan": "gold", "tags": ["a"], "other": 1}
    await say(ctx, "ann", {"age": "32", "plan": "red", "tags": ["b"]}, now, "m3")
    assert await known(ctx, ann) == {"age": "32", "plan": "red", "tags": ["b"], "other": 1}
    bob = await say(ctx, "bob", {"age": {"years": 3}, "plan": "red"}, now)  # a new person's first words as well
    assert await known(ctx, bob) == {"plan": "red"}
    await say(ctx, "ann", {"age": None}, now, "m4")  # to take a value back is always allowed
    assert "age" not in await known(ctx, ann)
    async with ctx.db.connection() as conn:
        (noted,) = await refusals(conn, "age", 10)  # one a minute
        assert (noted.profile_id, noted.value, noted.reason) == (ann, '"old"', "type")
        assert [one.reason for one in await refusals(conn, "plan", 10)] == ["allowed"]
        found = (await registry(conn))["age"]
    assert (found.locked, found.unit, found.allowed, found.personal) == (True, "years", None, False)
    await describe_trait(ctx, SYSTEM, "age", locked=False)
    await say(ctx, "ann", {"age": "old"}, now, "m5")
    assert (await known(ctx, ann))["age"] == "old"
    with pytest.raises(NoSuchTrait):
        await describe_trait(ctx, SYSTEM, "nothing", locked=True)


async def test_a_locked_trait_does_not_widen(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    register_kinds(JOBS)
    async with ctx.db.transaction() as conn:
        await observe_traits(conn, {"since": "date"}, clock.now())
    await describe_trait(ctx, SYSTEM, "since", locked=True)
    await say(ctx, "ann", {"since": "2026-01-02T10:00:00Z"}, clock.now())
    await say(ctx, "bob", {"since": "2026-01-02"}, clock.now())
    await mirror_profiles(ctx)
    async with ctx.db.connection() as conn:
        found = (await registry(conn))["since"]
    assert (found.type, found.next_type, found.misfit) == ("date", None, None)


json: SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**17), st.sampled_from([10**308, 10**400, -(10**400)]), st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["", "x", "True", " false ", "12", "-1.5", "1e5", "2026-02-30", "2026-01-02", "2026-01-02T10:00:00Z",
        "2026-01-02 10:00", "2026-01-02T25:00:00Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+01:00", "0000-01-01", "2026-01-02T24:00:00Z",
        "2026-01-02T10:00:00+24:00", "2026-01-02T10:00:60Z", "\t5", "5\n", "\u0663", "\uff15", "\ttrue", "true\u00a0", "+7.", ".5"]),
    st.lists(st.sampled_from(["a", 1, None]), max_size=2), st.just({"a": 1}),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(json, min_size=1, max_size=20))
async def test_what_a_lock_lets_through_is_what_the_mirror_would_hold(database_url: str, values: list[Any]) -> None:
    database = await Database.open(database_url, max_size=1)
    sql = "select trait_fits(v, %s) from unnest(%s::jsonb[]) with ordinality u (v, n) order by n"
    async with database.connection() as conn:
        for kind in TYPES:
            rows = await (await conn.execute(sql, (kind, [Jsonb(value) for value in values]))).fetchall()
            for value, (fits,) in zip(values, rows, strict=True):
                assert fits == (value is None or typed(value, kind) is not None), (kind, value)
    await database.close()


async def test_personal_traits_are_hidden_from_those_who_may_not_see_them(
    ctx: Context,
    lake: LakeClient,
    client: httpx.AsyncClient,
    as_role: Callable[[str], Awaitable[httpx.AsyncClient]],
    clock: VirtualClock,
) -> None:
    ann = await say(ctx, "ann", {"firstName": "Ann", "diagnosis": "secret", "plan": "gold"}, clock.now())
    await mirror_profiles(ctx)
    for name in ("firstName", "diagnosis"):
        await describe_trait(ctx, SYSTEM, name, personal=True)
    analyst, agent = await as_role("analyst"), await as_role("agent")
    seen = (await analyst.get(f"/v1/profiles/{ann}")).json()
    assert seen["traits"] == {"firstName": None, "diagnosis": None, "plan": "gold"}
    assert (seen["hidden"], seen["name"]) == (["diagnosis", "firstName"], "ann")
    assert "secret" not in (await analyst.get(f"/v1/profiles/{ann}")).text
    assert [one["name"] for one in (await analyst.get("/v1/profiles")).json()["items"]] == ["ann"]
    history = (await analyst.get(f"/v1/profiles/{ann}/trait-history", params={"name": "diagnosis"})).json()
    assert history == {"name": "diagnosis", "value": None, "hidden": True, "computed": False, "said": []}
    whole = (await agent.get(f"/v1/profiles/{ann}")).json()
    assert whole["traits"]["diagnosis"] == "secret" and whole["hidden"] == [] and whole["name"] == "Ann"
    # Nor by other rooms: proposals, templates tried on somebody, deliveries and their sheet, the export.
    await say(ctx, "bob", {"firstName": "Bob"}, clock.now())
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into merge_proposal (low_id, high_id, kind, value) select min(id), max(id), 'email', 'x' from profile"
        )
        await conn.execute(
            "insert into delivery (profile_id, intent_key, dispatch_id, channel, message_class, state, planned_at, due_at, bucket) "
            "values (%s, 'k', 1, 'email', 'transactional', 'suppressed', now(), now(), 0)", (ann,),
        )  # fmt: skip
    source = {"subject": "{{ firstName }} {{ plan }}", "body": "<p>{{ diagnosis }}</p>"}
    for role, sees in (("analyst", False), ("owner", True)):
        http = await as_role(role)
        preview = await http.post("/v1/templates/preview", json=source | {"profile_id": ann})
        assert preview.status_code == 200 and "gold" in preview.text, preview.text
        assert ("secret" in preview.text) == sees
        for path in ("/v1/merge-proposals", "/v1/deliveries", f"/v1/profiles/{ann}/deliveries", "/v1/deliveries/people.csv"):
            answer = await http.get(path)
            assert answer.status_code == 200 and ("Ann" in answer.text) == sees, (role, path, answer.text)
        assert (await http.post(f"/v1/profiles/{ann}/export")).status_code == (200 if sees else 403)


async def test_hostile_names_and_too_many(
    ctx: Context, lake: LakeClient, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    monkeypatch.setattr("antiphon.awareness.traits.service.MOST_TRAITS", 8)
    names = ["'; drop table profile; --", '"q"', "a\\b", "$.x", "ä/ö~0", "x" * 200, "x" * 201, " ", *(f"n{i}" for i in range(20))]
    ann = await say(ctx, "ann", dict.fromkeys(names, 1), clock.now())
    await mirror_profiles(ctx)
    async with ctx.db.connection() as conn:
        found = await registry(conn)
    assert len(found) == 8 and "x" * 201 not in found
    assert (await known(ctx, ann)).keys() == set(names)  # what has no column stays with the person
    for name in found:
        await describe_trait(ctx, SYSTEM, name, locked=True, description="odd")
    await say(ctx, "ann", dict.fromkeys(names, "text"), clock.now(), "m2")
    after = await known(ctx, ann)
    assert all(after[name] == (1 if name in found else "text") for name in names)
    assert len(await people(ctx, 1)) == 1


async def test_a_computed_trait_has_no_type_to_give(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    await service.define(ctx, SYSTEM, name="n", description="How often", definition=Measured(measure="count", event="E"))
    with pytest.raises(TraitIsComputed):
        await describe_trait(ctx, SYSTEM, "n", locked=True)
    assert (await describe_trait(ctx, SYSTEM, "n", personal=True)).personal
