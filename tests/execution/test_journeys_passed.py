"""The people behind the number on an arrow: who went that way, in pages, and where each is now."""

from __future__ import annotations

from typing import Any

import pytest
from tests.execution.cast import add_people, stage
from tests.execution.test_journeys_http import GOOD, OVER, WAIT, made

from antiphon.execution.journeys import people, ticking
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database

BRANCH: dict[str, Any] = {
    "key": "odd", "kind": "condition", "settings": {"condition": {"kind": "profiles", "ids": [1, 3, 5, 7]}},
    "next": {"yes": "pause", "no": "over"},
}  # fmt: skip


@pytest.mark.parametrize("stretch", [3, 20_000])
async def test_who_went_a_way(client: Any, ctx: Context, db: Database, monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    monkeypatch.setattr(people, "STRETCH", stretch)
    async with stage(ctx), db.transaction() as conn:
        await add_people(conn, 7)
    one = await made(client, GOOD | {"start": "odd", "steps": [BRANCH, WAIT, OVER]})
    path = f"/v1/journeys/{one['id']}"
    way: dict[str, Any] = {"step": "odd", "exit": "yes"}
    assert (await client.get(f"{path}/passed", params=way)).json()["items"] == []
    await client.post(f"{path}/publish", json={"revision": 1, "treatment": {"kind": "stay"}})
    await client.post(f"{path}/entries", json={"entries": [{"profile_id": n} for n in range(1, 8)]})
    await run_until_idle(ctx, [ticking.LOOP])

    found: list[tuple[int, str | None]] = []
    cursor: str | None = None
    for _ in range(10):
        page = (await client.get(f"{path}/passed", params=way | {"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [(item["profile_id"], item["step"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [(1, "pause"), (3, "pause"), (5, "pause"), (7, "pause")]
    over = (await client.get(f"{path}/passed", params={"step": "odd", "exit": "no"})).json()["items"]
    assert [(item["profile_id"], item["step"], item["wake_at"]) for item in over] == [(2, None, None), (4, None, None), (6, None, None)]
    assert (await client.get(f"{path}/passed", params={"step": "nothing", "exit": "no"})).json()["items"] == []
    assert (await client.get(f"{path}/passed", params={"step": "odd"})).status_code == 400
