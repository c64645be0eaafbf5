"""Rehearsals over HTTP: asked for, done by a job, kept with their reports, cancelled."""

from __future__ import annotations

from typing import Any

import pytest
from tests.execution.test_journeys_http import GOOD, WAIT, made

from antiphon.execution.journeys.rehearsal import rehearsing, service
from antiphon.foundation.jobs import run_one
from antiphon.foundation.postgres import Database


async def test_asked_done_and_read(app: Any, client: Any, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("insert into profile (id) select i from generate_series(1, 20) i")
    one = await made(client)
    path = f"/v1/journeys/{one['id']}/rehearsals"
    asked = await client.post(path, json={"mode": "forward", "days": 10, "sample": 5, "draws": 0, "rates": {"answers": 0.5}})
    assert asked.status_code == 202, asked.text
    assert (asked.json()["state"], asked.json()["report"], asked.json()["asked"]["sample"]) == ("waiting", None, 5)
    assert await run_one(app.app.state.ctx)
    found = (await client.get(f"{path}/{asked.json()['id']}")).json()
    assert (found["state"], found["error"], found["done"], found["total"]) == ("done", None, 5, 5)
    report = found["report"]
    assert (report["population"], report["sample"], report["scale"], report["entered"]) == (20, 5, 4.0, 0)
    assert report["unforeseen"] == ["api"] and report["conversions"] is None
    assert [(way["step"], way["did"]) for way in report["dead"]] == [("pause", ""), ("over", "")]
    listed = (await client.get(path)).json()
    assert [(row["id"], row["state"], "report" in row) for row in listed["items"]] == [(found["id"], "done", False)]


async def test_cancelled_before_it_began(app: Any, client: Any) -> None:
    one = await made(client)
    path = f"/v1/journeys/{one['id']}/rehearsals"
    asked = (await client.post(path, json={})).json()
    assert (await client.post(f"/v1/jobs/{asked['job_id']}/cancel")).status_code == 200
    assert not await run_one(app.app.state.ctx)
    assert (await client.get(f"{path}/{asked['id']}")).json()["state"] == "cancelled"


async def test_what_cannot_be_rehearsed(client: Any) -> None:
    round_and_round = {"start": "a", "entries": [{"kind": "api"}], "steps": [
        {"key": "a", "kind": "split", "settings": {"parts": [{"key": "x", "share": 1}]}, "next": {"x": "a"}},
    ]}  # fmt: skip
    one = await made(client, round_and_round)
    path = f"/v1/journeys/{one['id']}/rehearsals"
    answer = await client.post(path, json={})
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "journey-not-rehearsable"
    for wrong in ({"mode": "backward"}, {"days": 0}, {"draws": 1000}, {"rates": {"channels": {"email": {"opened": 1.5}}}}):
        assert (await client.post(path, json=wrong)).status_code == 400
    assert (await client.get(f"{path}/99")).json()["code"] == "rehearsal-unknown"
    assert (await client.get("/v1/journeys/99/rehearsals")).json()["code"] == "journey-unknown"
    assert (await client.post("/v1/journeys/99/rehearsals", json={})).status_code == 404


async def test_who_may(as_role: Any) -> None:
    marketer, analyst = await as_role("marketer"), await as_role("analyst")
    one = await made(marketer, GOOD | {"steps": [WAIT | {"next": {}}]})
    path = f"/v1/journeys/{one['id']}/rehearsals"
    assert (await analyst.post(path, json={})).status_code == 403
    assert (await marketer.post(path, json={})).status_code == 202
    assert len((await analyst.get(path)).json()["items"]) == 1


async def test_cancelled_while_it_runs(app: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops when it next tells how far it is, and nothing is kept of it."""
    one = await made(client)
    path = f"/v1/journeys/{one['id']}/rehearsals"
    asked = (await client.post(path, json={"draws": 0})).json()

    async def long(ctx: Any, plan: Any, asked_for: Any, *, progress: Any) -> None:
        await progress(1, 10)
        assert (await client.get(f"{path}/{asked['id']}")).json()["state"] == "running"
        assert (await client.post(f"/v1/jobs/{asked['job_id']}/cancel")).status_code == 200
        await progress(10, 10)
        raise AssertionError("it went on")

    monkeypatch.setattr(service, "rehearse", long)
    assert await run_one(app.app.state.ctx)
    found = (await client.get(f"{path}/{asked['id']}")).json()
    assert (found["state"], found["report"]) == ("cancelled", None)


async def test_what_fails_says_why(app: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await made(client, GOOD | {"steps": [WAIT, {"key": "over", "kind": "gate", "settings": {"most": 1, "seconds": 60}}]})
    async with app.app.state.ctx.db.connection() as conn:
        await conn.execute("insert into profile (id) select i from generate_series(1, 9) i")
    path = f"/v1/journeys/{one['id']}/rehearsals"
    monkeypatch.setattr(rehearsing, "TOGETHER", 5)
    asked = (await client.post(path, json={})).json()
    assert await run_one(app.app.state.ctx)
    found = (await client.get(f"{path}/{asked['id']}")).json()
    assert found["state"] == "failed" and found["error"].startswith("rehearsal-too-large: ")
    asked = (await client.post(path, json={"sample": 5})).json()
    assert await run_one(app.app.state.ctx)
    assert (await client.get(f"{path}/{asked['id']}")).json()["state"] == "done"
