"""Customers over HTTP: search, page, merges decided and undone, export, erasure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from antiphon.awareness.events import move_events
from antiphon.awareness.events.intake import take_in
from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of
from antiphon.awareness.profiles.loops import LOOPS
from antiphon.awareness.traits import observe_traits
from antiphon.awareness.traits.service import describe_trait
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM


@pytest.fixture
def rooms() -> Any:
    names = ("foundation.access", "awareness.profiles", "awareness.consent", "awareness.events", "web")
    return [import_module(f"antiphon.{name}.room").ROOM for name in names]


@pytest.fixture
def here(app: Any) -> Context:
    ctx: Context = app.app.state.ctx
    return ctx


async def tell(ctx: Context, n: int, identities: dict[str, str], traits: dict[str, Any] | None = None) -> int:
    at = ctx.clock.now() + timedelta(seconds=n)
    bundle = tuple(Identity(kind, value) for kind, value in identities.items())
    async with ctx.db.transaction() as conn:
        text = None if traits is None else json.dumps(traits).encode()
        return (await resolve(conn, [Person(bundle, text, stamp_of(at, f"m{n}"), at)], at=at))[0]


async def test_search(here: Context, client: Any) -> None:
    ann = await tell(
        here, 0, {"user_id": "u-17", "email": "ann@x.org", "phone": "+442079460958"}, {"name": "Ann Lee", "city": "Leeds"}
    )
    bob = await tell(here, 1, {"user_id": "u-18", "email": "bob_1%@x.org"}, {"firstName": "Bob", "lastName": "O'Neill"})

    async def found(words: str) -> list[int]:
        answer = await client.get("/v1/profiles", params={"q": words})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    for _ in range(2):  # before and after the words are indexed
        for words, who in (
            (str(ann), [ann]), ("ANN@", [ann]), ("+44 20 7946 0958", [ann]), ("u-1", [ann, bob]), ("leeds", [ann]),
            ("ann l", [ann]), ("o'neill", [bob]), ("bob_1%", [bob]), ("%", []), ("nobody at all", []), ("\\", []),
            ("44207946", [ann]),
        ):  # fmt: skip
            assert sorted(await found(words)) == sorted(who), words
        await run_until_idle(here, LOOPS)
    newest = (await client.get("/v1/profiles", params={"limit": 1})).json()
    assert (newest["total"], [p["name"] for p in newest["items"]]) == (2, ["Bob O'Neill"])
    rest = (await client.get("/v1/profiles", params={"limit": 1, "cursor": newest["next"]})).json()
    assert rest["items"][0]["name"] == "Ann Lee" and rest["items"][0]["email"] == "ann@x.org"
    assert (await client.get("/v1/profiles/999999")).status_code == 404


async def test_nobody_is_found_by_what_is_secret_to_the_asker(here: Context, client: Any, as_role: Callable[[str], Any]) -> None:
    ann = await tell(here, 0, {"user_id": "u-17"}, {"name": "Ann Lee", "diagnosis": "gout", "city": "Leeds"})
    async with here.db.transaction() as conn:
        await observe_traits(conn, {"name": "text", "diagnosis": "text", "city": "text"}, here.clock.now())
    await describe_trait(here, SYSTEM, "diagnosis", personal=True)
    other = await as_role("developer")
    for _ in range(2):  # before and after the words are indexed
        for words, open_to_all in (("gout", False), ("leeds", True), ("ann lee", True), ("u-17", True)):
            for asker, seen in ((client, True), (other, open_to_all)):
                answer = (await asker.get("/v1/profiles", params={"q": words})).json()
                assert [one["id"] for one in answer["items"]] == ([ann] if seen else []), words
        await run_until_idle(here, LOOPS)


async def test_a_proposal_is_accepted_and_undone(here: Context, client: Any) -> None:
    one = await tell(here, 0, {"user_id": "1", "email": "x@x.org"}, {"plan": "free", "a": 1})
    two = await tell(here, 1, {"user_id": "2"}, {"plan": "pro", "b": 2})
    assert await tell(here, 2, {"user_id": "2", "email": "x@x.org"}) == two
    (proposal,) = (await client.get("/v1/merge-proposals", params={"state": "open"})).json()["items"]
    assert {proposal["one"]["id"], proposal["other"]["id"]} == {one, two} and proposal["value"] == "x@x.org"
    assert (await client.get(f"/v1/profiles/{two}")).json()["open_proposals"] == 1
    assert (await client.post(f"/v1/merge-proposals/{proposal['id']}/accept")).status_code == 204
    assert (await client.post(f"/v1/merge-proposals/{proposal['id']}/accept")).status_code == 409
    shown = (await client.get(f"/v1/profiles/{two}")).json()
    assert (shown["id"], shown["requested_id"]) == (one, two)
    assert shown["traits"] == {"plan": "pro", "a": 1, "b": 2}
    assert [m["profile_id"] for m in shown["merged"]] == [two]
    assert await tell(here, 3, {"user_id": "2"}, {"c": 3}) == one
    undone = await client.post(f"/v1/profiles/{two}/unmerge")
    assert undone.json() == {"profile_id": two, "survivor_id": one}, undone.text
    assert (await client.get(f"/v1/profiles/{two}")).json()["traits"] == {"plan": "pro", "b": 2, "c": 3}
    assert (await client.get(f"/v1/profiles/{one}")).json()["traits"] == {"plan": "free", "a": 1}
    assert await tell(here, 4, {"user_id": "2"}) == two
    assert (await client.post(f"/v1/profiles/{two}/unmerge")).status_code == 404
    audited = (await client.get("/v1/audit")).json()["items"]
    assert {"profiles.accept_merge", "profiles.undo_merge"} <= {entry["action"] for entry in audited}


async def test_an_undone_chain(here: Context, client: Any) -> None:
    ids = [await tell(here, n, {"user_id": str(n)}, {"n": n, f"own{n}": True}) for n in range(3)]
    await client.post(f"/v1/profiles/{ids[1]}/merge", json={"profile_id": ids[2]})
    await client.post(f"/v1/profiles/{ids[0]}/merge", json={"profile_id": ids[1]})
    assert (await client.post(f"/v1/profiles/{ids[0]}/merge", json={"profile_id": ids[2]})).status_code == 400
    whole = (await client.get(f"/v1/profiles/{ids[2]}")).json()
    assert whole["id"] == ids[0] and whole["traits"] == {"n": 2, "own0": True, "own1": True, "own2": True}
    await client.post(f"/v1/profiles/{ids[1]}/unmerge")  # and what was merged into it goes with it
    assert (await client.get(f"/v1/profiles/{ids[2]}")).json()["id"] == ids[1]
    assert (await client.get(f"/v1/profiles/{ids[0]}")).json()["traits"] == {"n": 0, "own0": True}
    assert (await client.get(f"/v1/profiles/{ids[1]}")).json()["traits"] == {"n": 2, "own1": True, "own2": True}
    await client.post(f"/v1/profiles/{ids[2]}/unmerge")
    assert (await client.get(f"/v1/profiles/{ids[1]}")).json()["traits"] == {"n": 1, "own1": True}
    assert (await client.get(f"/v1/profiles/{ids[2]}")).json()["traits"] == {"n": 2, "own2": True}


async def test_a_refused_proposal_stays_refused(here: Context, client: Any) -> None:
    await tell(here, 0, {"user_id": "1", "email": "x@x.org"})
    await tell(here, 1, {"user_id": "2", "email": "x@x.org"})
    (proposal,) = (await client.get("/v1/merge-proposals")).json()["items"]
    assert (await client.post(f"/v1/merge-proposals/{proposal['id']}/refuse")).status_code == 204
    await tell(here, 2, {"user_id": "2", "email": "x@x.org"})
    assert (await client.get("/v1/merge-proposals", params={"state": "open"})).json()["items"] == []
    assert (await client.post("/v1/merge-proposals/77/accept")).status_code == 404


async def write_events(ctx: Context, http: Any, key: str, *bodies: dict[str, Any]) -> None:
    answer = await http.post("/v1/batch", json={"batch": list(bodies)}, auth=(key, ""))
    assert answer.status_code == 200
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("intake", 64)
    held = await leases.share("intake", 64)
    while await take_in(ctx, held):
        pass


async def test_timeline_export_and_erasure(lake: Any, here: Context, client: Any, stranger: Any) -> None:
    register_kinds(
        [kind for room in ("profiles", "events") for kind in import_module(f"antiphon.awareness.{room}.room").ROOM.jobs]
    )
    key = (await client.post("/v1/sources", json={"name": "Shop"})).json()["write_key"]
    said = [
        {
            "type": "track",
            "anonymousId": "a",
            "event": f"E{n}",
            "timestamp": f"2026-05-01T0{n}:00:00Z",
            "properties": {"n": n},
        }
        for n in range(5)
    ]
    await write_events(here, stranger, key, *said)
    assert await move_events(here) == 5
    knows = {"type": "identify", "anonymousId": "a", "userId": "secret-user", "traits": {"email": "secret@x.org"}}
    other = {"type": "track", "userId": "other", "event": "Stays"}
    await write_events(here, stranger, key, knows, other, {"type": "track", "userId": "secret-user", "event": ""})
    (person,) = (await client.get("/v1/profiles", params={"q": "secret-user"})).json()["items"]
    path = f"/v1/profiles/{person['id']}"
    names: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        page = (await client.get(f"{path}/timeline", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        names += [e["name"] for e in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert names == ["Identified", "E4", "E3", "E2", "E1", "E0"]
    exported = (await client.post(f"{path}/export")).json()
    assert exported["profiles"]["traits"] == {"email": "secret@x.org"}
    assert [e["name"] for e in exported["events"]["events"]] == ["E0", "E1", "E2", "E3", "E4", "Identified"]

    assert (await client.delete(path)).status_code == 202
    done = 0
    while await run_one(here):  # the lake's copies are erased by jobs
        done += 1
    assert done >= 2
    assert (await client.get(path)).status_code == 404
    assert (await here.lake.run(f"select count(*) from lake.event where profile_id = {person['id']}")) == [(0,)]
    async with here.db.connection() as conn:
        tables = [row[0] for row in await (await conn.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )).fetchall()]  # fmt: skip
        for table in tables:
            cursor_ = await conn.execute(f'select count(*) from "{table}" t where t::text ilike %s', ("%secret%",))
            assert (await cursor_.fetchone()) == (0,), table
    assert [e["name"] for e in (await client.get("/v1/events")).json()["items"]] == ["Stays"]
    await write_events(here, stranger, key, {"type": "track", "userId": "secret-user", "event": "Back"})
    (again,) = (await client.get("/v1/profiles", params={"q": "secret-user"})).json()["items"]
    assert again["id"] != person["id"]


async def test_roles(here: Context, as_role: Callable[[str], Any], stranger: Any) -> None:
    person = await tell(here, 0, {"user_id": "1"})
    marketer = await as_role("marketer")
    assert (await marketer.get(f"/v1/profiles/{person}")).status_code == 200
    for method, path in (
        ("POST", f"/v1/profiles/{person}/export"), ("DELETE", f"/v1/profiles/{person}"),
        ("POST", f"/v1/profiles/{person}/unmerge"),
        ("POST", "/v1/merge-proposals/1/accept"),
    ):  # fmt: skip
        assert (await marketer.request(method, path)).status_code == 403, path
        assert (await stranger.request(method, path)).status_code == 401, path
