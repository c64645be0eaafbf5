"""Journeys over HTTP: a draft is written, checked, published, edited by two, rolled back; bad input names its field."""

from __future__ import annotations

from typing import Any

from tests.execution.cast import add_people, stage

from antiphon.execution.journeys import ticking
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database

WAIT = {"key": "pause", "kind": "wait", "settings": {"seconds": 3600}, "next": {"next": "over"}}
OVER = {"key": "over", "kind": "end"}
GOOD: dict[str, Any] = {"start": "pause", "steps": [WAIT, OVER], "entries": [{"kind": "api"}]}


async def made(client: Any, definition: dict[str, Any] | None = None, name: str = "Welcome") -> dict[str, Any]:
    answer = await client.post("/v1/journeys", json={"name": name, "definition": GOOD if definition is None else definition})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def with_wait(seconds: float) -> dict[str, Any]:
    return GOOD | {"steps": [WAIT | {"settings": {"seconds": seconds}}, OVER]}


async def test_the_life_of_a_journey(client: Any) -> None:
    one = await made(client)
    path = f"/v1/journeys/{one['id']}"
    assert (one["state"], one["draft_revision"], one["live_version"]) == ("draft", 1, None)
    checked = (await client.post(f"{path}/check", json={})).json()
    assert checked == {"findings": [], "errors": 0, "exits": {"pause": ["next"], "over": []}}

    saved = await client.put(f"{path}/draft", json={"definition": with_wait(60), "revision": 1})
    assert saved.status_code == 200 and saved.json()["draft_revision"] == 2
    lost = await client.put(f"{path}/draft", json={"definition": with_wait(90), "revision": 1})
    assert lost.status_code == 409 and lost.json()["code"] == "journey-draft-changed"

    stale = await client.post(f"{path}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    assert stale.status_code == 409
    live = await client.post(f"{path}/publish", json={"revision": 2, "treatment": {"kind": "stay"}, "note": "first"})
    assert live.status_code == 200 and (live.json()["state"], live.json()["live_version"]) == ("live", 1), live.text
    assert (await client.delete(path)).status_code == 409

    await client.put(f"{path}/draft", json={"definition": with_wait(30), "revision": 2})
    changed = (await client.get(f"{path}/diff")).json()
    assert changed["steps"] == [{
        "key": "pause", "what": "changed", "kind": "wait", "title": "",
        "fields": [{"path": "settings.seconds", "before": 60, "after": 30}],
    }]  # fmt: skip
    second = await client.post(f"{path}/publish", json={"revision": 3, "treatment": {"kind": "move", "map": {}}})
    assert second.json()["live_version"] == 2
    listed = (await client.get(f"{path}/versions")).json()
    assert [(v["number"], v["live"], v["note"]) for v in listed["items"]] == [(2, True, ""), (1, False, "first")]
    assert [(m["kind"], m["from_version"], m["to_version"]) for m in listed["moves"]] == [("move", 1, 2), ("stay", None, 1)]
    assert (await client.get(f"{path}/versions/1")).json()["definition"]["steps"][0]["settings"] == {"seconds": 60}

    back = await client.post(f"{path}/rollback", json={"version": 1})
    assert back.status_code == 200 and back.json()["live_version"] == 1, back.text
    assert (await client.post(f"{path}/rollback", json={"version": 1})).status_code == 404

    assert (await client.post(f"{path}/resume")).status_code == 409
    assert (await client.post(f"{path}/pause")).json()["state"] == "paused"
    assert (await client.post(f"{path}/resume")).json()["state"] == "live"
    assert (await client.post(f"{path}/finish", json={"people": "end"})).json()["state"] == "finished"
    assert (await client.patch(path, json={"name": "Hello", "archived": True})).json()["state"] == "archived"
    assert (await client.get("/v1/journeys")).json()["items"] == []
    gone = (await client.get("/v1/journeys", params={"state": "archived", "text": "HELL"})).json()["items"]
    assert [(j["name"], j["steps"], j["inside"]) for j in gone] == [("Hello", 2, 0)]
    assert (await client.patch(path, json={"archived": False})).json()["state"] == "finished"


async def test_every_change_is_audited(client: Any, db: Database) -> None:
    one = await made(client)
    path = f"/v1/journeys/{one['id']}"
    await client.patch(path, json={"description": "new"})
    await client.put(f"{path}/draft", json={"definition": with_wait(60), "revision": 1})
    await client.post(f"{path}/publish", json={"revision": 2, "treatment": {"kind": "stay"}})
    await client.post(f"{path}/pause")
    await client.post(f"{path}/finish", json={})
    async with db.connection() as conn:
        rows = await (await conn.execute("select action from audit where subject = %s order by id", (f"journey:{one['id']}",))).fetchall()
    assert [row[0] for row in rows] == [
        "journeys.add", "journeys.rename", "journeys.draft", "journeys.publish", "journeys.pause", "journeys.finish"
    ]  # fmt: skip


async def test_what_is_wrong_is_found_and_keeps_it_from_going_live(client: Any) -> None:
    bad = GOOD | {"steps": [WAIT | {"settings": {"seconds": "soon"}, "next": {"next": "nowhere"}}], "entries": []}
    one = await made(client, bad)
    path = f"/v1/journeys/{one['id']}"
    found = (await client.post(f"{path}/check", json={})).json()
    assert found["errors"] == 3
    assert {(f["code"], f["place"], f["step"]) for f in found["findings"]} == {
        ("settings_invalid", "steps[0].settings.seconds", "pause"), ("next_unknown", "steps[0].next.next", "pause"),
        ("no_entry", "entries", ""),
    }  # fmt: skip
    spoken = (await client.post(f"{path}/check", json={}, headers={"accept-language": "ru"})).json()["findings"]
    rules = {f["params"]["rule"] for f in spoken if f["code"] == "settings_invalid"}
    assert rules and all(any("а" <= letter <= "я" for letter in rule) for rule in rules), rules
    refused = await client.post(f"{path}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    assert refused.status_code == 400 and refused.json()["code"] == "journey-invalid", refused.text
    assert refused.json()["field"] == "draft.steps[0].next.next"
    assert (await client.post(f"{path}/check", json={"definition": GOOD})).json()["errors"] == 0
    assert (await client.get(path)).json()["live_version"] is None


async def test_bad_input_names_its_field_and_changes_nothing(client: Any) -> None:
    for change, field in (
        ({"start": 1}, "definition.start"),
        ({"steps": [WAIT | {"key": "A b"}]}, "definition.steps[0].key"),
        ({"colour": 1}, "definition.colour"),
        ({"entries": [{"kind": "pigeon"}]}, "definition.entries[0].kind"),
        ({"again": {"at_once": 0}}, "definition.again.at_once"),
        ({"holdout_percent": 70}, "definition.holdout_percent"),
    ):
        answer = await client.post("/v1/journeys", json={"name": "x", "definition": GOOD | change})
        assert answer.status_code == 400 and answer.json()["field"] == field, answer.text
    assert (await client.get("/v1/journeys")).json()["items"] == []
    assert (await client.get("/v1/journeys/99")).json()["code"] == "journey-unknown"
    assert (await client.get("/v1/journeys/99/yaml")).status_code == 404


async def test_copies_and_yaml(client: Any) -> None:
    one = await made(client)
    copied = (await client.post("/v1/journeys", json={"name": "Again", "copy_of": one["id"]})).json()
    assert (copied["name"], copied["draft"], copied["state"]) == ("Again", one["draft"], "draft")
    path = f"/v1/journeys/{copied['id']}"
    text = (await client.get(f"{path}/yaml")).json()
    assert text["revision"] == 1 and text["yaml"].startswith("name: Again\nstart: pause\nsteps:\n")
    shorter = text["yaml"].replace("3600", "60").replace("Again", "Shorter")
    saved = (await client.put(f"{path}/yaml", json={"yaml": shorter, "revision": 1})).json()
    assert (saved["name"], saved["draft"]["steps"][0]["settings"]) == ("Shorter", {"seconds": 60})
    refused = await client.put(f"{path}/yaml", json={"yaml": "start: [", "revision": 2})
    assert refused.status_code == 400 and refused.json()["code"] == "journey-yaml-invalid" and "line 1" in refused.json()["detail"]
    assert (await client.delete(path)).status_code == 204


async def test_kinds_and_templates_are_listed(client: Any) -> None:
    kinds = {kind["name"]: kind for kind in (await client.get("/v1/step-kinds")).json()["items"]}
    assert kinds["condition"]["exits"] == ["yes", "no"] and kinds["wait"]["settings"]["required"] == ["seconds"]
    assert kinds["split"]["own_exits"] and not kinds["wait"]["own_exits"]
    for language, title in (("en", "Welcome"), ("ru", "Приветствие"), ("zh", "欢迎")):
        items = (await client.get("/v1/journey-templates", params={"language": language})).json()["items"]
        assert len(items) == 7 and items[0]["title"] == title
        assert {place["wants"] for item in items for place in item["places"]} == {"segment", "event", "topic", "url"}


async def test_people_are_let_in_counted_explained_and_taken_out(client: Any, ctx: Context, db: Database) -> None:
    async with stage(ctx), db.transaction() as conn:
        await add_people(conn, 3)
    branch = {"key": "gold", "kind": "condition", "settings": {"condition": {"kind": "profiles", "ids": [1]}}, "title": "Gold?",
              "next": {"yes": "pause", "no": "over"}}  # fmt: skip
    one = await made(client, GOOD | {"start": "gold", "steps": [branch, WAIT, OVER]})
    path = f"/v1/journeys/{one['id']}"
    assert (await client.get(f"{path}/counts")).json() | {"as_of": ""} == {"version": None, "as_of": "", "inside": 0, "arrows": [], "waiting": []}
    early = await client.post(f"{path}/entries", json={"entries": [{"profile_id": 1}]})
    assert early.status_code == 409 and early.json()["code"] == "journey-state-conflict"
    await client.post(f"{path}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    entries = [{"profile_id": 1, "properties": {"order": 7}, "idempotency_key": "a"}, {"profile_id": 2}, {"profile_id": 77}]
    let = (await client.post(f"{path}/entries", json={"entries": entries})).json()
    assert [item["outcome"] for item in let["items"]] == ["entered", "entered", "unknown"] and let["entered"] == 2
    repeated = (await client.post(f"{path}/entries", json={"entries": entries[:1]})).json()
    assert repeated["items"][0] == let["items"][0] | {"repeated": True} and repeated["entered"] == 0
    wrong = await client.post(f"{path}/entries", json={"entries": [{"profile_id": 1}, {}]})
    assert wrong.status_code == 400 and wrong.json()["field"] == "entries[1]"

    await run_until_idle(ctx, [ticking.LOOP])
    counted = (await client.get(f"{path}/counts")).json()
    assert (counted["version"], counted["inside"]) == (1, 1)
    assert {(a["step"], a["did"], a["how"]): a["people"] for a in counted["arrows"]} == {
        ("entry", "entered", "entered"): 2, ("entry", "unknown", "refused"): 1, ("gold", "yes", "went"): 1, ("gold", "no", "went"): 1,
        ("pause", "rest", "rests"): 1, ("over", "finished", "left"): 1,
    }  # fmt: skip
    assert [(w["step"], w["people"], w["listening"]) for w in counted["waiting"]] == [("pause", 1, 0)]
    listed = (await client.get(f"{path}/people", params={"step": "pause"})).json()
    assert [(p["profile_id"], p["name"], p["step"], p["version"]) for p in listed["items"]] == [(1, "P1", "pause", 1)]
    assert (await client.get(f"{path}/people", params={"step": "gold"})).json()["items"] == []

    told = (await client.get(f"{path}/people/2")).json()
    (passage,) = told["passages"]
    assert (passage["reason"], passage["converted"], passage["ended_at"] is not None) == ("finished", False, True)
    assert [(line["step"], line["title"], line["kind"], line["did"], line["how"]) for line in passage["lines"]] == [
        ("gold", "Gold?", "condition", "no", "went"), ("over", "", "end", "finished", "left")
    ]  # fmt: skip
    assert (await client.get(f"{path}/people/99")).status_code == 404
    assert (await client.post(f"{path}/people/1/leave")).json() == {"ended": 1, "put_back_until": "2026-06-02T12:00:00Z"}
    assert (await client.post(f"{path}/people/1/leave")).json() == {"ended": 0, "put_back_until": None}
    out = (await client.get(f"{path}/people/1")).json()["passages"][0]
    assert (out["reason"], out["lines"][-1]["did"], out["lines"][-1]["how"]) == ("taken_out", "taken_out", "left")
    assert (await client.get(f"{path}/sources")).json() == {"schedules": [], "intakes": []}


async def test_people_come_in_pages(client: Any, ctx: Context, db: Database) -> None:
    async with stage(ctx), db.transaction() as conn:
        await add_people(conn, 7)
    one = await made(client)
    path = f"/v1/journeys/{one['id']}"
    await client.post(f"{path}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    await client.post(f"{path}/entries", json={"entries": [{"profile_id": n} for n in range(1, 6)]})
    await client.put(f"{path}/draft", json={"definition": with_wait(60), "revision": 1})
    await client.post(f"{path}/publish", json={"revision": 2, "treatment": {"kind": "stay"}})
    await client.post(f"{path}/entries", json={"entries": [{"profile_id": n} for n in (6, 7)]})
    found: list[tuple[int, int]] = []
    cursor: str | None = None
    for _ in range(10):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"{path}/people", params=params)).json()
        found += [(p["profile_id"], p["version"]) for p in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [(n, 1) for n in range(1, 6)] + [(6, 2), (7, 2)]
    assert [p["profile_id"] for p in (await client.get(f"{path}/people", params={"version": 2})).json()["items"]] == [6, 7]


async def test_a_segment_lists_its_journeys_and_is_not_put_away_while_one_goes_on(client: Any) -> None:
    entered = (await client.post("/v1/segments", json={"name": "Entered"})).json()["id"]
    asked = (await client.post("/v1/segments", json={"name": "Asked"})).json()["id"]
    branch = {"key": "gold", "kind": "condition", "settings": {"condition": {"kind": "segment", "id": asked}}, "next": {"yes": "pause"}}
    definition = GOOD | {"start": "gold", "steps": [branch, WAIT, OVER], "entries": [{"kind": "segment", "segment_id": entered}]}
    one = await made(client, definition)
    for segment in (entered, asked):
        uses = (await client.get(f"/v1/segments/{segment}/uses")).json()["others"]
        assert [(use["kind"], use["name"], use["active"]) for use in uses] == [("journey", "Welcome", False)]
    await client.post(f"/v1/journeys/{one['id']}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    for segment in (entered, asked):
        assert (await client.delete(f"/v1/segments/{segment}")).status_code == 409
