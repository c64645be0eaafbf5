"""Versions: what a draft would change, old versions again, where a segment is used, and why about trees that are not saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.awareness.test_segments_http import GOLD, people

from antiphon.awareness.segments.model import And, InSegment, Node, Not, Or, TraitCondition
from antiphon.awareness.segments.versions import tree_changes

assert people  # the fixture
pytestmark = pytest.mark.store
RED = GOLD | {"value": "red"}
BOUGHT = {"kind": "event", "name": "Order Completed"}


def plan(value: str) -> TraitCondition:
    return TraitCondition(trait="plan", op="is", value=value)


def told(before: Node, after: Node) -> list[tuple[str, str]]:
    return [(one.kind, one.path) for one in tree_changes(before, after)]


def test_what_differs_between_trees() -> None:
    city = TraitCondition(trait="city", op="is", value="Rome")
    assert told(And(of=[plan("gold"), city]), And(of=[city, plan("gold")])) == []
    assert told(And(of=[plan("gold"), city]), And(of=[city, plan("red")])) == [("changed", "tree.of[1]")]
    assert told(And(of=[plan("gold")]), And(of=[plan("gold"), Not(of=city)])) == [("added", "tree.of[1]")]
    assert told(And(of=[plan("gold"), Not(of=city)]), And(of=[plan("gold")])) == [("removed", "tree.of[1]")]
    assert told(And(of=[plan("gold"), city]), Or(of=[plan("gold"), city])) == [("joined", "tree")]
    assert told(And(of=[city, Or(of=[plan("gold")])]), And(of=[city, Or(of=[plan("gold"), plan("red")])])) == [
        ("added", "tree.of[1].of[1]")
    ]
    assert told(And(of=[Not(of=plan("gold"))]), And(of=[Not(of=plan("red"))])) == [("changed", "tree.of[0].of")]
    assert told(InSegment(id=1), InSegment(id=2)) == [("changed", "tree")]
    assert told(And(of=[InSegment(id=1)]), And(of=[InSegment(id=2)])) == [("removed", "tree.of[0]"), ("added", "tree.of[0]")]


@pytest.mark.usefixtures("people")
async def test_a_draft_is_compared_before_it_is_published(client: httpx.AsyncClient) -> None:
    segment = (await client.post("/v1/segments", json={"name": "Gold", "tree": {"kind": "and", "of": [GOLD]}})).json()
    path = f"/v1/segments/{segment['id']}"
    draft = {"kind": "or", "of": [{"kind": "and", "of": [GOLD, BOUGHT]}, RED]}
    found = (await client.post(f"{path}/diff", json={"tree": draft, "sample": 2})).json()
    assert (found["before"], found["after"]) == (10, 21)
    assert [found[word]["count"] for word in ("entering", "leaving", "staying")] == [20, 9, 1]
    assert [one["id"] for one in found["staying"]["sample"]] == [1]
    assert len(found["entering"]["sample"]) == 2
    assert (await client.get(path)).json()["version"] == 1
    await client.put(path, json={"name": "Gold", "tree": draft})
    await client.put(path, json={"name": "Gold", "tree": RED})
    same = (await client.post(f"{path}/diff", json={"tree": RED})).json()
    assert [same[word]["count"] for word in ("entering", "leaving", "staying")] == [0, 0, 20]
    assert same["changes"] == []
    older = (await client.post(f"{path}/diff", json={"version": 1, "against": 2})).json()
    assert (older["before"], older["after"]) == (21, 10)
    back = (await client.post(f"{path}/versions/1/restore")).json()
    assert (back["version"], back["tree"]["of"][0]["value"]) == (4, "gold")
    assert [one["version"] for one in (await client.get(f"{path}/versions")).json()["items"]] == [4, 3, 2, 1]
    again = (await client.post(f"{path}/versions/4/restore")).json()
    assert again["version"] == 4

    consent = {"kind": "consent", "channel": "email", "topic": "news", "state": "unknown"}
    silent = await client.post(f"{path}/diff", json={"tree": {"kind": "and", "of": [RED, consent]}})
    assert silent.status_code == 200, f"channels and topics are known here, too: {silent.text}"

    for body, status in (
        ({}, 400), ({"tree": RED, "version": 1}, 400), ({"version": 9}, 404), ({"version": 1, "against": 9}, 404),
        ({"tree": {"kind": "segment", "id": segment["id"]}}, 400),
        ({"tree": {"kind": "trait", "trait": "nothing", "op": "set"}}, 400),
    ):  # fmt: skip
        assert (await client.post(f"{path}/diff", json=body)).status_code == status, body
    assert (await client.post(f"{path}/versions/9/restore")).status_code == 404
    listed = (await client.post("/v1/segments", json={"name": "List"})).json()
    assert (await client.post(f"/v1/segments/{listed['id']}/diff", json={"tree": RED})).status_code == 409


@pytest.mark.usefixtures("people")
async def test_where_a_segment_is_used(client: httpx.AsyncClient) -> None:
    async def add(name: str, *refs: int) -> int:
        tree = {"kind": "and", "of": [GOLD, *({"kind": "segment", "id": one} for one in refs)]}
        return int((await client.post("/v1/segments", json={"name": name, "tree": tree})).json()["id"])

    base = await add("Base")
    middle = await add("Middle", base)
    both = await add("Both", base, middle)
    top = await add("Top", both)
    found = (await client.get(f"/v1/segments/{base}/uses")).json()
    assert [(one["id"], one["direct"]) for one in found["used_by"]] == [(both, True), (middle, True), (top, False)]
    assert found["uses"] == []
    found = (await client.get(f"/v1/segments/{top}/uses")).json()
    assert [(one["name"], one["direct"]) for one in found["uses"]] == [("Base", False), ("Middle", False), ("Both", True)]
    assert found["used_by"] == []


@pytest.mark.usefixtures("people")
async def test_why_of_a_draft_and_of_the_merged(client: httpx.AsyncClient, app: Any) -> None:
    segment = (await client.post("/v1/segments", json={"name": "Gold ones", "tree": GOLD})).json()
    tree = {"kind": "and", "of": [{"kind": "segment", "id": segment["id"]}, BOUGHT]}
    found = (await client.post("/v1/segments/why", json={"tree": tree, "profile_id": 1})).json()
    assert (found["holds"], found["member"], found["segments"]) == (True, None, {str(segment["id"]): "Gold ones"})
    assert found["verdict"]["parts"][1]["events"] == 1
    async with app.app.state.ctx.db.transaction() as conn:
        await conn.execute("update profile set merged_into = 1, traits = '{}' where id = 2")
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 'test')")
        await conn.execute("update event set profile_id = 2")
    merged = (await client.post("/v1/segments/why", json={"tree": tree, "profile_id": 2})).json()
    assert (merged["profile_id"], merged["holds"]) == (1, True)
    stored = (await client.get(f"/v1/segments/{segment['id']}/why/2")).json()
    assert (stored["profile_id"], stored["holds"]) == (1, True)
    assert (await client.post("/v1/segments/why", json={"tree": tree, "profile_id": 99})).status_code == 404
    wrong = {"kind": "trait", "trait": "nothing", "op": "set"}
    assert (await client.post("/v1/segments/why", json={"tree": wrong, "profile_id": 1})).status_code == 400


@pytest.mark.usefixtures("people")
async def test_personal_traits_are_not_for_everybody(client: httpx.AsyncClient, app: Any, as_role: Callable[[str], Any]) -> None:
    """Who may not see what is personal sees that it is there: in samples, lists and explanations."""
    async with app.app.state.ctx.db.transaction() as conn:
        await conn.execute("insert into trait_rule (name, personal) values ('plan', true), ('name', true)")
    segment = (await client.post("/v1/segments", json={"name": "Gold", "tree": GOLD})).json()
    path = f"/v1/segments/{segment['id']}"
    await client.post(f"{path}/refresh")
    analyst = await as_role("analyst")
    expression = {"op": "union", "of": [segment["id"]]}
    for asker, seen, name in ((client, "gold", "Customer 00"), (analyst, None, "#1")):
        shown = [
            (await asker.post("/v1/segments/preview", json={"tree": GOLD, "sample": 1})).json()["sample"][0],
            (await asker.get(f"{path}/members", params={"limit": 1})).json()["items"][0],
            (await asker.post(f"{path}/diff", json={"tree": GOLD, "sample": 1})).json()["staying"]["sample"][0],
            (await asker.post("/v1/segments/combine", json={"expression": expression, "sample": 1})).json()["sample"][0],
        ]
        assert [(one["name"], one["traits"].get("plan")) for one in shown] == [(name, seen)] * 4
        draft = {"tree": {"kind": "and", "of": [GOLD]}, "profile_id": 1}
        for why in (await asker.get(f"{path}/why/1"), await asker.post("/v1/segments/why", json=draft)):
            verdict = why.json()["verdict"]
            verdict = verdict["parts"][0] if verdict["parts"] else verdict
            assert (verdict["holds"], verdict["actual"]) == (True, seen)
            assert why.json()["hidden"] == ([] if seen else ["plan"])
