"""The routes of segments: a segment's life as the console lives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from antiphon.awareness.profiles import mark_dirty
from antiphon.awareness.traits import mirror_profiles
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.postgres import Jsonb

GOLD: dict[str, Any] = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}


@pytest.fixture
async def people(lake: LakeClient, app: Any, clock: VirtualClock) -> None:
    """Thirty customers, ten of them gold; the first did something."""
    ctx = app.app.state.ctx
    now = clock.now()
    async with ctx.db.transaction() as conn:
        for i in range(30):
            traits = {"plan": "gold" if i % 3 == 0 else "red", "name": f"Customer {i:02}"}
            await conn.execute("insert into profile (traits, first_seen) values (%s, %s)", (Jsonb(traits), now))
        await mark_dirty(conn, list(range(1, 31)))
        await conn.execute("select ensure_day('event', %s)", (now.date(),))
        await conn.execute(
            "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties) "
            "values (0, 1, %(now)s, %(now)s, 1, 'Order Completed', 'track', 'm1', 0, '{\"total\": 5}')",
            {"now": now},
        )
        await conn.execute(
            "insert into event_name (name, kind, first_seen, last_seen, properties) "
            "values ('Order Completed', 'track', %(now)s, %(now)s, '{\"total\": \"number\"}')",
            {"now": now},
        )
    await mirror_profiles(ctx)


@pytest.mark.usefixtures("people")
async def test_a_segments_life(client: httpx.AsyncClient) -> None:
    shown = (await client.post("/v1/segments/preview", json={"tree": GOLD, "sample": 3})).json()
    assert shown["count"] == 10
    assert [one["id"] for one in shown["sample"]] == [1, 13, 28]
    assert shown["sample"][0]["name"] == "Customer 00"

    made = await client.post("/v1/segments", json={"name": " Gold ", "tree": GOLD})
    assert made.status_code == 201, made.text
    segment = made.json()
    assert (segment["name"], segment["refreshing"], segment["evaluated_at"]) == ("Gold", True, None)
    path = f"/v1/segments/{segment['id']}"
    done = (await client.post(f"{path}/refresh")).json()
    assert (done["size"], done["refreshing"], done["age_seconds"]) == (10, False, 0)
    assert (await client.get(path)).json() == done

    first = (await client.get(f"{path}/members", params={"limit": 6})).json()
    rest = (await client.get(f"{path}/members", params={"limit": 6, "cursor": first["next"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == list(range(1, 30, 3))
    assert (first["total"], rest["next"]) == (10, None)

    why = (await client.get(f"{path}/why/2")).json()
    assert (why["holds"], why["member"], why["verdict"]["actual"]) == (False, False, "red")
    assert (await client.get(f"{path}/why/99")).status_code == 404
    inside = (await client.get("/v1/profiles/1/segments")).json()
    assert [one["name"] for one in inside["items"]] == ["Gold"]

    tree = {"kind": "and", "of": [GOLD, {"kind": "event", "name": "Order Completed"}]}
    changed = (await client.put(path, json={"name": "Gold buyers", "tree": tree})).json()
    assert (changed["version"], changed["refreshing"], changed["tree"]["of"][0]) == (
        2,
        True,
        changed["tree"]["of"][0] | GOLD,
    )
    assert (await client.post(f"{path}/refresh")).json()["size"] == 1
    versions = (await client.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["published_by"]) for one in versions] == [(2, "Owner"), (1, "Owner")]
    growth = (await client.get(f"{path}/growth")).json()["items"]
    assert [one["size"] for one in growth] == [1]

    assert (await client.delete(path)).status_code == 204
    assert (await client.get("/v1/segments")).json()["total"] == 0
    assert (await client.get("/v1/segments", params={"state": "archived", "search": "buyers"})).json()["total"] == 1
    assert (await client.put(path, json={"name": "x", "tree": tree})).status_code == 409
    assert (await client.post(f"{path}/restore")).json()["state"] == "active"


@pytest.mark.usefixtures("people")
async def test_the_catalogue_offers_traits_values_and_events(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/v1/segments/catalogue")).json()
    traits = {one["name"]: one for one in shown["traits"]}
    assert traits["plan"]["values"] == ["red", "gold"]
    assert traits["$first_seen"]["type"] == "instant"
    assert shown["events"][0]["name"] == "Order Completed"
    assert shown["events"][0]["properties"] == [{"name": "total", "type": "number"}]
    assert ("email" in shown["channels"], shown["topics"], shown["lookalike"]) == (True, ["news"], False)
    assert "Europe/Madrid" in shown["zones"]
    seen = {"kind": "trait", "trait": "$first_seen", "op": "ge", "value": {"amount": 1, "unit": "days"}}
    assert (await client.post("/v1/segments/preview", json={"tree": seen})).json()["count"] == 30


@pytest.mark.usefixtures("people")
async def test_static_lists_are_filled_by_hand(client: httpx.AsyncClient) -> None:
    segment = (await client.post("/v1/segments", json={"name": "Friends"})).json()
    assert segment["kind"] == "static"
    path = f"/v1/segments/{segment['id']}/members"
    assert (await client.put(path, json={"add": [3, 4, 5, 77]})).json() == {"size": 3, "unknown": 1, "unknown_values": []}
    assert (await client.put(path, json={"remove": [4]})).json() == {"size": 2, "unknown": 0, "unknown_values": []}
    assert [one["id"] for one in (await client.get(path)).json()["items"]] == [3, 5]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"name": "A", "tree": GOLD | {"trait": "colour"}}, 400, "invalid-tree", "tree.trait"),
        ({"name": "A", "tree": {"kind": "and", "of": [GOLD, {"kind": "or"}]}}, 400, "invalid-body", None),
        ({"name": " ", "tree": GOLD}, 400, "invalid-body", "name"),
        ({"name": "A", "tree": {"kind": "segment", "id": 99}}, 400, "invalid-tree", "tree.id"),
    ],
)
async def test_bad_segments_are_refused(
    client: httpx.AsyncClient, body: Any, status: int, code: str, field: str | None
) -> None:
    answer = await client.post("/v1/segments", json=body)
    assert (answer.status_code, answer.json()["code"].replace("_", "-")) == (status, code), answer.text
    if field is not None:
        assert answer.json()["field"] == field
    assert (await client.get("/v1/segments")).json()["total"] == 0


@pytest.mark.usefixtures("people")
async def test_a_gigantic_or_endless_tree_is_refused(client: httpx.AsyncClient) -> None:
    deep = '{"kind":"not","of":' * 100_000 + '{"kind":"and","of":[]}' + "}" * 100_000
    answer = await client.post(
        "/v1/segments/preview", content='{"tree":' + deep + "}", headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 413), answer.text[:300]
    wide = {"kind": "or", "of": [GOLD] * 5000}
    answer = await client.post("/v1/segments/preview", json={"tree": wide})
    assert (answer.status_code, answer.json()["field"]) == (400, "tree")


async def test_names_are_taken_once(client: httpx.AsyncClient) -> None:
    everyone = {"kind": "and", "of": []}
    assert (await client.post("/v1/segments", json={"name": "All", "tree": everyone})).status_code == 201
    assert (await client.post("/v1/segments", json={"name": "all", "tree": everyone})).status_code == 409
    for number in range(4):
        await client.post("/v1/segments", json={"name": f"N{number}", "tree": everyone})
    names, cursor = [], None
    while True:
        page = (await client.get("/v1/segments", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        names += [one["name"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert names == ["All", "N0", "N1", "N2", "N3"]


async def test_who_may_what(as_role: Callable[[str], Any]) -> None:
    agent = await as_role("agent")
    assert (await agent.get("/v1/segments")).status_code == 200
    assert (await agent.post("/v1/segments", json={"name": "A"})).status_code == 403


@pytest.mark.usefixtures("people")
async def test_people_are_put_on_a_list_by_their_identities(client: httpx.AsyncClient, app: Any) -> None:
    """However the identity is spelled; what is nobody's is told as it was given."""
    async with app.app.state.ctx.db.transaction() as conn:
        await conn.execute(
            "insert into identity (kind, value, profile_id) values ('email', 'ann@example.com', 3), ('email', 'bob@example.com', 4)"
        )
    made = (await client.post("/v1/segments", json={"name": "Guests"})).json()
    path = f"/v1/segments/{made['id']}/members"
    values = [" Ann@Example.com", "bob@example.com", "carol@example.com", "no address", "ann@example.com"]
    changed = (await client.put(path, json={"named": {"kind": "email", "values": values}, "add": [5]})).json()
    assert changed == {"size": 3, "unknown": 2, "unknown_values": ["carol@example.com", "no address"]}
    assert [one["id"] for one in (await client.get(path)).json()["items"]] == [3, 4, 5]
    refused = await client.put(path, json={"named": {"kind": "?!", "values": ["a"]}})
    assert (refused.status_code, refused.json()["field"]) == (400, "named.kind")
