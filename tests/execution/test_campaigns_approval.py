"""Approval before sending: when it is needed, who may give it, what takes it back, and who hears of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
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
    """What a campaign to three people needs."""
    async with stage(ctx):
        await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
        async with db.transaction() as conn:
            await add_people(conn, 3, channel="email")
        segment = await publish(ctx, SYSTEM, name="three", description="", tree=None, announce="never")
        await list_members(ctx, SYSTEM, segment.id, add=[1, 2, 3], remove=[], replace=True)
        version = await add_published(ctx, channel="email")
        async with db.connection() as conn:
            row = await (await conn.execute("select template_id from template_version where id = %s", (version,))).fetchone()
        assert row is not None
        yield {"name": "Spring", "segment_id": segment.id, "template_id": row[0], "topic": "news"}


async def made(client: Any, draft: dict[str, Any]) -> str:
    answer = await client.post("/v1/campaigns", json=draft)
    assert answer.status_code == 201, answer.text
    return f"/v1/campaigns/{answer.json()['id']}"


async def staff_mail(db: Database) -> list[tuple[str, str]]:
    async with db.connection() as conn:
        rows = await (await conn.execute(
            "select d.address, d.variables ->> 'campaign_name' from delivery d where message_class = 'staff' order by d.id"
        )).fetchall()  # fmt: skip
    return [tuple(row) for row in rows]


async def test_somebody_else_approves_and_both_hear_of_it(
    client: Any, db: Database, as_role: Callable[[str], Any], draft: dict[str, Any]
) -> None:
    author, approver, analyst = await as_role("marketer"), await as_role("branch_manager"), await as_role("analyst")
    async with db.transaction() as conn:
        await conn.execute("update person set password_hash = 'x'")
        people = dict(await (await conn.execute("select role, email from person")).fetchall())
    assert (await client.put("/v1/campaigns/rule", json={"approval": "always"})).status_code == 200
    path = await made(author, draft)
    refused = await author.post(f"{path}/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "approval-needed")
    assert (await author.post(f"{path}/submit")).json()["state"] == "awaiting_approval"
    assert {address for address, _ in await staff_mail(db)} == {people["owner"], people["branch_manager"]}
    own = await author.post(f"{path}/approve", json={})
    assert (own.status_code, own.json()["code"]) == (403, "own-approval")
    assert (await analyst.post(f"{path}/approve", json={})).status_code == 403
    silent = await approver.post(f"{path}/refuse", json={})
    assert (silent.status_code, silent.json()["field"]) == (400, "comment")
    told = (await approver.post(f"{path}/refuse", json={"comment": "Too loud"})).json()
    assert (told["state"], told["approval"]["comment"]) == ("refused", "Too loud")
    assert (await staff_mail(db))[-1] == (people["marketer"], "Spring")

    await author.put(path, json=draft | {"name": "Quiet spring"})
    await author.post(f"{path}/submit")
    agreed = (await approver.post(f"{path}/approve", json={"comment": "Good"})).json()
    assert (agreed["state"], agreed["approval"]["audience"]) == ("approved", 3)
    assert (await author.post(f"{path}/start")).json()["state"] == "scheduled"
    async with db.connection() as conn:
        actions = [row[0] for row in await (await conn.execute(
            "select action from audit where action like 'campaigns.%' order by id"
        )).fetchall()]  # fmt: skip
    assert actions == ["campaigns.rule", "campaigns.add", "campaigns.submit", "campaigns.refuse", "campaigns.change",
                       "campaigns.submit", "campaigns.approve", "campaigns.start"]  # fmt: skip


async def test_a_change_takes_the_approval_back_and_makes_an_author(
    client: Any, as_role: Callable[[str], Any], draft: dict[str, Any]
) -> None:
    author, approver = await as_role("marketer"), await as_role("branch_manager")
    await client.put("/v1/campaigns/rule", json={"approval": "always"})
    path = await made(author, draft)
    await author.post(f"{path}/submit")
    await approver.post(f"{path}/approve", json={})
    changed = (await approver.put(path, json=draft | {"name": "Mine now"})).json()
    assert (changed["state"], changed["approval"]) == ("draft", None)
    await author.post(f"{path}/submit")
    assert (await approver.post(f"{path}/approve", json={})).status_code == 403
    assert (await client.post(f"{path}/approve", json={})).json()["state"] == "approved"
    assert (await author.post(f"{path}/start")).json()["state"] == "scheduled"
    later = (await author.put(path, json=draft)).json()
    assert later["state"] == "draft", "a scheduled campaign that was approved needs approval anew"


@pytest.mark.parametrize(("over", "kind", "starts"), [(2, "one_off", 409), (3, "one_off", 200), (3, "recurring", 409)])
async def test_over_a_number_of_people(client: Any, draft: dict[str, Any], over: int, kind: str, starts: int) -> None:
    await client.put("/v1/campaigns/rule", json={"approval": "over", "approval_over": over})
    rule = {"rule": "FREQ=DAILY", "starts": "2026-07-01T09:00:00"}
    path = await made(client, draft | {"kind": kind, "recurrence": rule if kind == "recurring" else None})
    assert (await client.post(f"{path}/start")).status_code == starts


async def test_an_audience_that_grew_until_it_starts_needs_approval_then(client: Any, ctx: Context, draft: dict[str, Any]) -> None:
    await client.put("/v1/campaigns/rule", json={"approval": "over", "approval_over": 2})
    await list_members(ctx, SYSTEM, draft["segment_id"], add=[1, 2], remove=[], replace=True)
    path = await made(client, draft)
    assert (await client.post(f"{path}/start")).json()["state"] == "scheduled"
    await list_members(ctx, SYSTEM, draft["segment_id"], add=[1, 2, 3], remove=[], replace=True)
    await run_until_idle(ctx, [LOOPS[0]])
    now = (await client.get(path)).json()
    assert (now["state"], now["audience"]) == ("draft", None)
    assert "approved" in now["held_reason"] and now["held"]["code"] == "approval-needed"
    russian = (await client.get(path, headers={"accept-language": "ru"})).json()
    assert re.search("[а-я]", russian["held_reason"]) and russian["held"] == now["held"]


async def test_the_rule_is_off_at_first(client: Any, as_role: Callable[[str], Any], draft: dict[str, Any]) -> None:
    assert (await client.get("/v1/campaigns/rule")).json() == {"approval": "off", "approval_over": 0}
    assert (await (await as_role("developer")).put("/v1/campaigns/rule", json={"approval": "off"})).status_code == 403
    assert (await client.post(f"{await made(client, draft)}/start")).json()["state"] == "scheduled"


async def test_next_runs_are_previewed(client: Any, draft: dict[str, Any]) -> None:
    rule = {"rule": "FREQ=WEEKLY;BYDAY=MO", "starts": "2026-06-01T09:00:00", "zone": "Europe/Berlin"}
    seen = await client.post("/v1/campaigns/recurrence", json={"recurrence": rule, "count": 2})
    assert seen.json()["runs"] == ["2026-06-08T07:00:00Z", "2026-06-15T07:00:00Z"]
    path = await made(client, draft | {"kind": "recurring", "recurrence": rule})
    assert len((await client.get(f"{path}/next-runs", params={"count": 3})).json()["runs"]) == 3
    for change, field in (
        ({"recurrence": rule | {"rule": "FREQ=NEVER"}}, "recurrence.rule"), ({"recurrence": rule | {"zone": "Nowhere"}}, "recurrence.zone"),
        ({"kind": "triggered"}, "recurrence"), ({"trigger": {"event": "x", "again": "key"}}, "trigger.key"),
        ({"goal": {"event": "x", "code": "A1"}}, "goal.code_property"),
    ):  # fmt: skip
        body = draft | {"kind": "recurring", "recurrence": rule} | change
        answer = await client.put(path, json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


async def test_every_example_is_a_draft_that_can_be_kept(client: Any, draft: dict[str, Any]) -> None:
    examples = (await client.get("/v1/campaigns/examples")).json()
    assert "order_status" in {one["key"] for one in examples}
    for one in examples:
        body = {name: one[name] for name in ("kind", "message_class", "purpose", "recurrence", "trigger", "goal")}
        made = await client.post("/v1/campaigns", json=draft | {"name": one["title"], **body})
        assert made.status_code == 201, made.text
        source = {"format": "text", "subject": one["subject"], "body": one["text"]}
        checked = await client.post("/v1/templates/check", json=source)
        assert checked.status_code == 200, checked.text
        assert not [found for found in checked.json()["findings"] if found["severity"] == "error"]
