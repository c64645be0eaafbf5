"""Approval before a journey goes live: when it is needed, who may give it, what takes it back, and who hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.execution.cast import add_account, stage

from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Database

ONE = {"start": "a", "steps": [{"key": "a", "kind": "wait", "settings": {"seconds": 60}}], "entries": [{"kind": "api"}]}
STAY = {"kind": "stay"}


@pytest.fixture
async def strict(ctx: Context, db: Database, client: Any) -> AsyncIterator[Any]:
    """An installation where journeys must be approved, with an account for e-mail."""
    async with stage(ctx):
        await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
        assert (await client.put("/v1/journeys/rule", json={"approval": "always"})).status_code == 200
        yield client


async def made(client: Any) -> str:
    answer = await client.post("/v1/journeys", json={"name": "Welcome", "definition": ONE})
    assert answer.status_code == 201, answer.text
    return f"/v1/journeys/{answer.json()['id']}"


async def told(db: Database) -> list[str]:
    async with db.connection() as conn:
        rows = await (await conn.execute("select address from delivery where message_class = 'staff' order by id")).fetchall()
    return [row[0] for row in rows]


async def test_somebody_else_approves_and_both_hear_of_it(strict: Any, db: Database, as_role: Callable[[str], Any]) -> None:
    author, approver, analyst = await as_role("marketer"), await as_role("branch_manager"), await as_role("analyst")
    async with db.transaction() as conn:
        await conn.execute("update person set password_hash = 'x'")
        people = dict(await (await conn.execute("select role, email from person")).fetchall())
    path = await made(author)
    first = {"revision": 1}
    refused = await author.post(f"{path}/publish", json=first | {"treatment": STAY})
    assert (refused.status_code, refused.json()["code"]) == (409, "journey-approval-needed")
    assert (await approver.post(f"{path}/approve", json=first)).json()["code"] == "journey-approval-missing"
    asked = (await author.post(f"{path}/submit", json=first)).json()
    assert (asked["approval"]["state"], asked["must_be_approved"]) == ("asked", True)
    assert people["branch_manager"] in await told(db) and people["marketer"] not in await told(db)
    assert (await author.post(f"{path}/approve", json=first)).json()["code"] == "journey-own-approval"
    assert (await analyst.post(f"{path}/approve", json=first)).status_code == 403
    approved = (await approver.post(f"{path}/approve", json=first | {"comment": "fine"})).json()
    assert approved["approval"]["state"] == "approved" and approved["approval"]["comment"] == "fine"
    assert (await told(db))[-1] == people["marketer"]
    live = await author.post(f"{path}/publish", json=first | {"treatment": STAY})
    assert live.status_code == 200 and live.json()["approval"] is None and live.json()["authors"] == []
    version = (await author.get(f"{path}/versions")).json()["items"][0]
    assert version["approval"]["asked_by"] == approved["approval"]["asked_by"] and version["approval"]["decided_by"]


async def test_a_changed_draft_needs_a_new_approval(strict: Any, as_role: Callable[[str], Any]) -> None:
    author, approver = await as_role("marketer"), await as_role("branch_manager")
    path = await made(author)
    await author.post(f"{path}/submit", json={"revision": 1})
    await approver.post(f"{path}/approve", json={"revision": 1})
    drawn = ONE | {"canvas": {"places": {"a": [10, 20]}}}
    moved = (await author.put(f"{path}/draft", json={"definition": drawn, "revision": 1})).json()
    assert (moved["draft_revision"], moved["approval"]["revision"]) == (2, 2)  # drawn elsewhere, it is the same journey
    changed = ONE | {"steps": [{"key": "a", "kind": "wait", "settings": {"seconds": 61}}]}
    assert (await author.put(f"{path}/draft", json={"definition": changed, "revision": 2})).json()["approval"] is None
    refused = await author.post(f"{path}/publish", json={"revision": 3, "treatment": STAY})
    assert refused.json()["code"] == "journey-approval-needed"
    await author.post(f"{path}/submit", json={"revision": 3})
    stale = await approver.post(f"{path}/approve", json={"revision": 2})
    assert (stale.status_code, stale.json()["code"]) == (409, "journey-draft-changed")  # what one has not read one cannot approve
    assert (await approver.post(f"{path}/refuse", json={"revision": 3})).json()["code"] == "journey-refusal-without-reason"
    no = (await approver.post(f"{path}/refuse", json={"revision": 3, "comment": "too long"})).json()
    assert no["approval"]["state"] == "refused"
    assert (await author.post(f"{path}/publish", json={"revision": 3, "treatment": STAY})).status_code == 409


async def test_going_back_needs_none_and_without_the_rule_nothing_does(strict: Any, as_role: Callable[[str], Any]) -> None:
    author = await as_role("marketer")
    path = await made(author)
    assert (await strict.put("/v1/journeys/rule", json={"approval": "off"})).json() == {"approval": "off"}
    assert (await author.post(f"{path}/publish", json={"revision": 1, "treatment": STAY})).status_code == 200
    await author.put(f"{path}/draft", json={"definition": ONE | {"priority": 3}, "revision": 1})
    assert (await author.post(f"{path}/publish", json={"revision": 2, "treatment": STAY})).status_code == 200
    await strict.put("/v1/journeys/rule", json={"approval": "always"})
    assert (await author.post(f"{path}/rollback", json={"version": 1})).status_code == 200
