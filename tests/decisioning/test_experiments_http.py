"""Experiments over HTTP: made, started, measured, finished; who may; what is refused names its field and rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from antiphon.awareness.traits import mirror_profiles, observe_traits
from antiphon.decisioning.experiments import expose, find_running
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store
BODY: dict[str, Any] = {
    "key": "greeting", "name": "Greeting", "arms": [{"key": "a"}, {"key": "b", "title": "By name"}],
    "metrics": [{"kind": "conversion", "name": "Bought", "event": "Order Completed", "within_hours": 24, "role": "primary"}],
}  # fmt: skip


async def test_the_life_of_an_experiment(ctx: Context, lake: LakeClient, as_role: Callable[[str], Any]) -> None:
    http = await as_role("marketer")
    await mirror_profiles(ctx)
    made = (await http.post("/v1/experiments", json=BODY)).json()
    path = f"/v1/experiments/{made['id']}"
    assert (made["state"], made["kind"], made["design"]["method"], made["people"]) == ("draft", "random", "sequential", None)
    assert (await http.get(f"{path}/results")).status_code == 409
    body = {name: value for name, value in BODY.items() if name != "key"}
    changed = (await http.patch(path, json=body | {"description": "Try it"})).json()
    assert changed["design"]["description"] == "Try it"
    assert (await http.post(f"{path}/start")).json()["state"] == "running"
    refused = (await http.patch(path, json=body | {"percent": 10})).json()
    assert (refused["code"], refused["field"]) == ("experiment-started", "percent")
    async with ctx.db.transaction() as conn:
        found = await find_running(conn, "greeting")
        assert found is not None
        await expose(conn, ctx.secret, found, np.arange(1, 101), ctx.clock.now())
    shown = (await http.get(f"{path}/results")).json()
    assert shown["people"] == 100 and shown["metrics"][0]["arms"][0]["waiting"] > 30 and not shown["ratio"]["alarm"]
    listed = (await http.get("/v1/experiments", params={"state": "running", "text": "GREET"})).json()["items"]
    assert [(one["id"], one["people"], one["alarms"]) for one in listed] == [(made["id"], 100, 0)]
    assert (await http.post(f"{path}/stop")).json()["state"] == "stopped"
    done = (await http.post(f"{path}/finish", json={"winner": "b"})).json()
    assert (done["state"], done["winner"]) == ("finished", "b")
    assert (await http.delete(path)).status_code == 409
    draft = (await http.post("/v1/experiments", json=BODY | {"key": "other"})).json()
    assert (await http.delete(f"/v1/experiments/{draft['id']}")).status_code == 204
    assert (await http.get(f"/v1/experiments/{draft['id']}")).json()["code"] == "experiment-unknown"


async def test_layers_and_holdouts(ctx: Context, lake: LakeClient, as_role: Callable[[str], Any]) -> None:
    http = await as_role("marketer")
    assert (await http.put("/v1/layers/sale", json={"title": "Sale"})).json() == {"name": "sale", "title": "Sale", "free": 100.0, "experiments": []}
    made = (await http.post("/v1/experiments", json=BODY | {"layer": "sale", "percent": 30})).json()
    await http.post(f"/v1/experiments/{made['id']}/start")
    (layer,) = (await http.get("/v1/layers")).json()
    assert layer["free"] == 70.0 and [(one["key"], one["percent"]) for one in layer["experiments"]] == [("greeting", 30.0)]
    assert (await http.delete("/v1/layers/sale")).json()["code"] == "layer-in-use"
    other = (await http.post("/v1/experiments", json=BODY | {"key": "other", "layer": "sale", "percent": 80})).json()
    full = await http.post(f"/v1/experiments/{other['id']}/start")
    assert (full.status_code, full.json()["code"], full.json()["field"]) == (409, "layer-full", "percent")
    watched = {"name": "What marketing does", "metrics": BODY["metrics"]}
    assert (await http.post("/v1/holdouts/universal/experiment", json=watched)).status_code == 404
    await http.put("/v1/holdouts/universal", json={"percent": 10})
    shown = (await http.post("/v1/holdouts/universal/experiment", json=watched)).json()
    assert (shown["kind"], shown["state"], [arm["key"] for arm in shown["design"]["arms"]]) == ("holdout", "running", ["held_out", "told"])
    assert (await http.get(f"/v1/experiments/{shown['id']}/results")).json()["people"] == 0
    assert (await http.post("/v1/holdouts/universal/experiment", json=watched)).json()["code"] == "experiment-key-taken"


async def test_the_planner(as_role: Callable[[str], Any]) -> None:
    http = await as_role("analyst")
    made = (await http.post("/v1/experiments/plan", json={"baseline": 0.5, "difference": 0.25, "power": 0.9, "per_day": 20})).json()
    assert (made["fixed"], made["people_fixed"], made["days_fixed"]) == (77, 154, 8) and made["sequential"] > 77
    for odd in (
        {"baseline": 0.5, "difference": 1e-300}, {"kind": "mean", "baseline": 0, "deviation": 1e12, "difference": 5e-324},
        {"baseline": 0.5, "difference": 0.1, "per_day": 5e-324},
    ):  # fmt: skip
        made = (await http.post("/v1/experiments/plan", json=odd)).json()
        assert all(value is None or 0 < value <= 2e10 for value in made.values()), made
    for body, field in (
        ({"baseline": 0.5, "difference": 0.6}, "difference"), ({"baseline": 1.5, "difference": 0.1}, "baseline"),
        ({"kind": "mean", "baseline": 5, "difference": 1}, "deviation"), ({"baseline": 0.5, "difference": 0}, "difference"),
    ):  # fmt: skip
        refused = await http.post("/v1/experiments/plan", json=body)
        assert (refused.status_code, refused.json()["field"]) == (400, field)


@pytest.mark.parametrize(("change", "field"), [
    ({"arms": [{"key": "a"}]}, "arms"),
    ({"arms": [{"key": "a"}, {"key": "a"}]}, "arms[1].key"),
    ({"key": "No Key"}, "key"),
    ({"percent": 0}, "percent"),
    ({"layer": "nowhere"}, "layer"),
    ({"strata": {"by": "trait", "trait": "nothing"}}, "strata.trait"),
    ({"metrics": [{"kind": "sum", "name": "x", "event": "e", "property": ""}]}, "metrics[0].property"),
    ({"metrics": [{"kind": "count", "name": "x", "event": "e", "where": [{"property": "p", "op": "lt", "value": "x"}]}]}, "metrics[0].where[0].value"),
])  # fmt: skip
async def test_what_is_wrong_names_its_field(as_role: Callable[[str], Any], change: dict[str, Any], field: str) -> None:
    http = await as_role("marketer")
    refused = await http.post("/v1/experiments", json=BODY | change)
    assert 400 <= refused.status_code < 410 and refused.json()["field"] == field, refused.text
    assert (await http.get("/v1/experiments")).json()["items"] == []


async def test_an_analyst_reads_and_does_not_write(ctx: Context, as_role: Callable[[str], Any]) -> None:
    marketer, analyst, agent = [await as_role(role) for role in ("marketer", "analyst", "agent")]
    made = (await marketer.post("/v1/experiments", json=BODY)).json()
    assert (await analyst.get(f"/v1/experiments/{made['id']}")).status_code == 200
    assert (await analyst.post(f"/v1/experiments/{made['id']}/start")).status_code == 403
    assert (await agent.get("/v1/experiments")).status_code == 403


async def test_a_secret_trait_tells_people_apart_for_nobody_else(ctx: Context, lake: LakeClient, as_role: Callable[[str], Any]) -> None:
    from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of

    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await resolve(conn, [Person((Identity("user_id", "x"),), b'{"email": "a@x.org"}', stamp_of(now, "m"), now)], at=now)
    await mirror_profiles(ctx)
    owner, analyst = await as_role("owner"), await as_role("analyst")
    assert (await owner.patch("/v1/traits/email", json={"personal": True})).status_code == 200
    made = (await owner.post("/v1/experiments", json=BODY)).json()
    await owner.post(f"/v1/experiments/{made['id']}/start")
    path = f"/v1/experiments/{made['id']}/results"
    refused = await analyst.get(path, params={"trait": "email"})
    allowed = await owner.get(path, params={"trait": "email"})
    assert (refused.status_code, allowed.status_code) == (403, 200), (refused.text, allowed.text)
    assert (await owner.get(path, params={"trait": "email", "segment_id": 1})).json()["field"] == "segment_id"
    assert (await owner.get(path, params={"segment_id": 77})).status_code == 404


async def test_pages_follow_each_other(as_role: Callable[[str], Any]) -> None:
    http = await as_role("marketer")
    for n in range(5):
        await http.post("/v1/experiments", json=BODY | {"key": f"e{n}"})
    first = (await http.get("/v1/experiments", params={"limit": 3})).json()
    second = (await http.get("/v1/experiments", params={"limit": 3, "cursor": first["next"]})).json()
    assert [one["key"] for one in first["items"] + second["items"]] == ["e4", "e3", "e2", "e1", "e0"] and second["next"] is None


@pytest.mark.parametrize(("change", "field"), [
    ({"started_at": "2026-06-02T00:00:00Z", "finished_at": "2026-06-03T00:00:00Z"}, "finished_at"),
    ({"started_at": "2026-05-02T00:00:00Z", "finished_at": "2026-05-01T00:00:00Z"}, "finished_at"),
    ({"trait": "nothing"}, "trait"),
    ({"arms": [{"key": "a", "value": "x"}, {"key": "b", "value": "x"}]}, "arms"),
    ({"metrics": []}, "metrics"),
    ({"winner": "z"}, "winner"),
])  # fmt: skip
async def test_what_is_wrong_with_one_made_elsewhere(ctx: Context, as_role: Callable[[str], Any], change: dict[str, Any], field: str) -> None:
    async with ctx.db.transaction() as conn:
        await observe_traits(conn, {"trial": "text"}, ctx.clock.now())
    http = await as_role("marketer")
    body = {
        "key": "old", "name": "Old", "trait": "trial", "arms": [{"key": "a", "value": "x"}, {"key": "b", "value": "y"}],
        "started_at": "2026-05-01T00:00:00Z", "finished_at": "2026-05-09T00:00:00Z", "metrics": BODY["metrics"],
    }  # fmt: skip
    refused = await http.post("/v1/experiments/adopted", json=body | change)
    assert (refused.status_code, refused.json()["field"]) == (400, field), refused.text
    assert (await http.get("/v1/experiments")).json()["items"] == [], "and nothing was changed"
    assert (await http.post("/v1/experiments/adopted", json=body)).status_code == 201
