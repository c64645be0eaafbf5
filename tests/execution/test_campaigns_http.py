"""Campaigns over HTTP: a draft, an estimate, a start, a pause, a cancel, the report; bad input names its field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.cast import add_account, add_people, add_published, stage

from antiphon.awareness.segments.lists import list_members
from antiphon.awareness.segments.service import publish
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database
from antiphon.foundation.principal import SYSTEM


@pytest.fixture
async def draft(ctx: Context, db: Database, client: Any) -> AsyncIterator[dict[str, Any]]:
    """What is needed for a campaign to three people, one of whom never agreed."""
    async with stage(ctx):
        await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
        async with db.transaction() as conn:
            await add_people(conn, 2, channel="email")
            await add_people(conn, 1, first=3, consent=None)
        segment = await publish(ctx, SYSTEM, name="three", description="", tree=None, announce="never")
        await list_members(ctx, SYSTEM, segment.id, add=[1, 2, 3], remove=[], replace=True)
        version = await add_published(ctx, channel="email")
        async with db.connection() as conn:
            row = await (await conn.execute("select template_id from template_version where id = %s", (version,))).fetchone()
        assert row is not None
        yield {"name": "Spring", "segment_id": segment.id, "template_id": row[0], "topic": "news"}


async def test_the_life_of_a_campaign(client: Any, ctx: Context, draft: dict[str, Any]) -> None:
    made = await client.post("/v1/campaigns", json=draft | {"name": "Sprig"})
    assert made.status_code == 201, made.text
    path = f"/v1/campaigns/{made.json()['id']}"
    assert (await client.put(path, json=draft)).json()["name"] == "Spring"
    asked = (await client.post(f"{path}/estimate")).json()
    assert (asked["audience"], asked["reached"], asked["refused"]) == (3, 2, 1)
    assert asked["refused_by"] == [{"reason": "no_consent", "title": "No consent", "people": 1}]
    tried = await client.post(f"{path}/test", json={"address": "me@example.org", "as_profile": 1})
    assert tried.status_code == 201 and tried.json()["state"] == "queued"

    assert (await client.post(f"{path}/start")).json()["state"] == "scheduled"
    await run_until_idle(ctx, [LOOPS[0]])
    now = (await client.get(path)).json()
    assert (now["state"], now["audience"], now["taken"]) == ("sending", 3, 3)
    assert (await client.put(path, json=draft)).status_code == 409
    assert (await client.delete(path)).status_code == 409
    assert (await client.post(f"{path}/pause")).json()["state"] == "paused"
    assert (await client.post(f"{path}/pause")).status_code == 409
    assert (await client.post(f"{path}/resume")).json()["state"] == "sending"

    report = (await client.get(f"{path}/report")).json()
    assert (report["audience"], report["queued"], report["waiting"], report["suppressed"]) == (3, 2, 2, 1)
    people = (await client.get("/v1/deliveries", params={"campaign_id": made.json()["id"], "reason": "no_consent"})).json()
    assert [p["profile_id"] for p in people["items"]] == [3]

    assert (await client.post(f"{path}/cancel")).json()["state"] == "cancelled"
    assert (await client.post(f"{path}/start")).status_code == 409
    assert (await client.post(f"{path}/archive")).json()["archived_at"] is not None
    assert (await client.get("/v1/campaigns")).json()["items"] == []
    listed = (await client.get("/v1/campaigns", params={"archived": True, "text": "SPR", "state": "cancelled"})).json()
    assert [c["name"] for c in listed["items"]] == ["Spring"]
    assert (await client.post(f"{path}/unarchive")).json()["archived_at"] is None


async def test_bad_input_names_its_field_and_changes_nothing(client: Any, draft: dict[str, Any]) -> None:
    for change, field in (
        ({"name": ""}, "name"),
        ({"channel": "pigeon"}, "channel"),
        ({"template_id": 99}, "template_id"),
        ({"account_id": 99}, "account_id"),
        ({"segment_id": 99}, "segment_id"),
        ({"excluded_segment_ids": [99]}, "excluded_segment_ids"),
        ({"topic": "weather"}, "topic"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"message_class": "spam"}, "message_class"),
        ({"colour": 1}, "colour"),
    ):
        answer = await client.post("/v1/campaigns", json=draft | change)
        assert 400 <= answer.status_code < 500 and answer.json()["field"] == field, answer.text
    assert (await client.get("/v1/campaigns")).json()["items"] == []


async def test_what_a_start_lacks_is_named(client: Any, draft: dict[str, Any]) -> None:
    for missing in ("segment_id", "template_id", "topic"):
        made = (await client.post("/v1/campaigns", json={k: v for k, v in draft.items() if k != missing})).json()
        answer = await client.post(f"/v1/campaigns/{made['id']}/start")
        assert answer.status_code == 400 and answer.json()["field"] == missing, answer.text
        assert (await client.delete(f"/v1/campaigns/{made['id']}")).status_code == 204
    assert (await client.get("/v1/campaigns/999/report")).status_code == 404
