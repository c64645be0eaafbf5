"""Purposes of people's own, and the usual paths of message classes: set, and taken where an author says nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.execution.cast import Parrot, add_account, add_people, stage

from antiphon.execution.campaigns import service as campaigns
from antiphon.execution.campaigns.asked import Asked
from antiphon.execution.campaigns.desk import Desk, open_desk
from antiphon.execution.campaigns.estimating import further
from antiphon.execution.campaigns.messages import Accepted, MessageBody, MessageInvalid
from antiphon.execution.campaigns.running import new_dispatch
from antiphon.execution.delivery.rules.paths import PathStep, along, set_paths
from antiphon.execution.delivery.rules.store import read_paths
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import dict_row
from antiphon.foundation.principal import SYSTEM

PATH = (PathStep(channel="email"), PathStep(channel="sms", receipt_within=600.0), PathStep(channel="voice", answer_within=60.0))


def test_along_a_path() -> None:
    every = {"email", "sms", "voice"}

    def names(channel: str, usable: set[str]) -> tuple[str, list[str]]:
        taken, hops = along(PATH, channel, usable)
        return taken, [hop.channel for hop in hops]

    assert names("", every) == ("email", ["sms", "voice"])
    assert names("sms", every) == ("sms", ["voice"])
    assert names("voice", every) == ("voice", [])
    assert names("webhook", every) == ("webhook", []), "its author chose otherwise"
    assert names("", {"voice", "sms"}) == ("sms", ["voice"]), "only channels that have an account"
    assert names("email", {"voice"}) == ("email", ["voice"])
    assert names("", set()) == ("", []) and along((), "email", every) == ("email", ())
    assert along(PATH, "", every)[1][0].receipt_within == 600.0


@pytest.mark.store
async def test_purposes_are_added_renamed_and_archived(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/delivery/purposes", json={"title": "Rückruf & Warnung"})
    assert made.status_code == 201, made.text
    purpose = made.json()
    assert purpose["name"] == "ruckruf_warnung" and purpose["renamed"] and purpose["archived_at"] is None
    for wrong, code in (
        ({"title": "rückruf & warnung"}, "purpose-exists"), ({"title": "x", "name": "ruckruf_warnung"}, "purpose-exists"),
        ({"title": "   "}, "delivery-rule-invalid"),
    ):  # fmt: skip
        assert (await client.post("/v1/delivery/purposes", json=wrong)).json()["code"] == code
    assert (await client.post("/v1/delivery/purposes", json={"title": "召回"})).json()["name"] == "purpose"
    url = f"/v1/delivery/purposes/{purpose['name']}"
    rows = [{"purpose": purpose["name"], "channel": "email", "verdict": "refused"}]
    assert (await client.put("/v1/delivery/suitability", json={"rows": rows})).status_code == 200
    again = (await client.put(url, json={"title": "Recall"})).json()
    assert (again["title"], again["name"]) == ("Recall", "ruckruf_warnung")
    campaign = {"name": "C", "purpose": purpose["name"]}
    assert (await client.post("/v1/campaigns", json=campaign)).status_code == 201
    assert (await client.put(url, json={"title": "Recall", "archived": True})).json()["archived_at"] is not None
    refused = await client.post("/v1/campaigns", json={**campaign, "name": "D"})
    assert (refused.status_code, refused.json()["field"]) == (400, "purpose"), "nobody is offered it any more"
    assert (await client.put(url, json={"title": "Recall"})).json()["archived_at"] is None
    assert (await client.put("/v1/delivery/purposes/none", json={"title": "x"})).json()["code"] == "purpose-unknown"
    code = {"title": "One-time code", "archived": True}
    assert (await client.put("/v1/delivery/purposes/one_time_code", json=code)).json()["code"] == "delivery-rule-invalid"
    table = (await client.get("/v1/delivery/suitability")).json()
    assert {one["name"]: one["renamed"] for one in table["purposes"]}["newsletter"] is False
    actions = [one["action"] for one in (await client.get("/v1/audit")).json()["items"]]
    assert actions.count("delivery.purpose") == 5


@pytest.mark.store
async def test_paths_are_set_and_checked(client: httpx.AsyncClient) -> None:
    wanted = {"transactional": [{"channel": "email"}, {"channel": "sms", "receipt_within": 600.0, "answer_within": None}]}
    shown = await client.put("/v1/delivery/paths", json={"paths": {**wanted, "service": []}})
    assert shown.status_code == 200, shown.text
    assert [one["channel"] for one in shown.json()["transactional"]] == ["email", "sms"] and "service" not in shown.json()
    for wrong, field in (
        ({"marketing": [{"channel": "pigeon"}]}, None), ({"test": [{"channel": "email"}]}, "test"),
        ({"service": [{"channel": "email"}, {"channel": "email"}]}, "service[1].channel"),
        ({"service": [{"channel": "email", "receipt_within": 60}]}, "service[0].receipt_within"),
        ({"service": [{"channel": "email"}, {"channel": "sms", "answer_within": 1}]}, "service[1].answer_within"),
    ):  # fmt: skip
        answer = await client.put("/v1/delivery/paths", json={"paths": wrong})
        assert 400 <= answer.status_code < 500 and (field is None or answer.json()["field"] == field), answer.text
    assert list((await client.get("/v1/delivery/paths")).json()) == ["transactional"]


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot, open_desk(ctx) as desk:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 3, consent=None)
            await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), 100)")
        ctx.put(Desk, desk)
        yield parrot


async def path(ctx: Context, *steps: PathStep) -> None:
    async with ctx.db.transaction() as conn:
        await set_paths(ctx, conn, SYSTEM, {"transactional": steps})
        assert bool(await read_paths(conn)) == bool(steps)


async def hand_in(ctx: Context, key: str, **more: Any) -> Accepted:
    body: dict[str, Any] = {"to": {"profile_id": 1}, "content": {"text": "Hi"}} | more
    return await ctx.get(Desk).hand_in(Asked("key:1", msgspec.convert(body, MessageBody), key))


async def dispatches(ctx: Context) -> list[tuple[str, list[str]]]:
    async with ctx.db.connection() as conn, conn.cursor(row_factory=dict_row) as cur:
        rows = await (await cur.execute("select channel, hops from dispatch where hop = 0 order by id")).fetchall()
    return [(row["channel"], [hop["channel"] for hop in row["hops"] or []]) for row in rows]


@pytest.mark.store
async def test_a_message_takes_the_usual_path_of_its_class(ctx: Context, parrot: Parrot) -> None:
    with pytest.raises(MessageInvalid):
        await hand_in(ctx, "nowhere")
    await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
    await path(ctx, PathStep(channel="parrot"), PathStep(channel="email", receipt_within=60.0))
    await hand_in(ctx, "a")
    await hand_in(ctx, "b", channel="parrot")
    await hand_in(ctx, "c", channel="email")
    await hand_in(ctx, "d", channel="parrot", usual_path=False)
    await hand_in(ctx, "e", channel="email", hops=[{"channel": "parrot"}])
    await hand_in(ctx, "f", channel="parrot", message_class="service")
    await path(ctx)
    await hand_in(ctx, "g", channel="parrot", content={"text": "Bye"})
    assert await dispatches(ctx) == [
        ("parrot", ["email"]), ("email", []), ("parrot", []), ("email", ["parrot"]), ("parrot", []), ("parrot", []),
    ]  # fmt: skip


@pytest.mark.store
async def test_a_campaign_goes_on_along_the_usual_path(ctx: Context, client: httpx.AsyncClient) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into channel_account (channel, provider, name, settings, sealed, created_at, updated_at)"
            " select c, p, c, '{}', '', now(), now() from (values ('email', 'smtp'), ('sms', 'smpp')) v (c, p)"
        )
    steps = [{"channel": "email"}, {"channel": "sms", "answer_within": 3600}, {"channel": "webhook"}]
    assert (await client.put("/v1/delivery/paths", json={"paths": {"service": steps}})).status_code == 200

    async def hops(**plan: Any) -> list[tuple[str, float | None]]:
        made = await client.post("/v1/campaigns", json={"name": f"C {plan}", "message_class": "service"} | plan)
        assert made.status_code == 201, made.text
        async with ctx.db.connection() as conn:
            campaign = await campaigns.find(conn, made.json()["id"])
            assert campaign.usual_path is plan.get("usual_path", True)
            new = await new_dispatch(conn, campaign, "1", version=1, account=None)
            assert [(hop.channel, None) for hop in new.hops] == [(name, None) for name, _ in await further(conn, campaign)]
        return [(hop.channel, hop.answer_within) for hop in new.hops]

    assert await hops() == [("sms", 3600.0)], "by webhook nothing can be said"
    assert await hops(usual_path=False) == [] and await hops(message_class="transactional") == []
    assert await hops(hops=[{"channel": "sms", "receipt_within": 60}]) == [("sms", None)]
