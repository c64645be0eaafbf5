"""The ledger over HTTP: searching it, why a message was or was not sent, test sends, the people behind a number."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.cast import add_account, add_people, stage

from antiphon.execution.delivery import Content, Intents, NewDispatch, open_dispatch, submit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Database
from antiphon.foundation.sheets import safe

NEWS = NewDispatch(
    key="campaign:7:1", channel="email", message_class="marketing", topic="news", campaign_id=7, occurrence="1",
    content=Content(subject="Hello", text="Hello"),
)  # fmt: skip


@pytest.fixture
async def ledger(ctx: Context, db: Database) -> AsyncIterator[Context]:
    """Four people: one may be written to, one never said so, one said no, one has no address."""
    async with stage(ctx):
        await add_account(ctx, "email", host="127.0.0.1", port=1, security="none", from_email="a@example.com")
        async with db.transaction() as conn:
            await add_people(conn, 1, channel="email")
            await add_people(conn, 1, first=2, consent=None)
            await add_people(conn, 1, first=3, channel="email", consent="withdrawn")
            await add_people(conn, 1, first=4, channel="email", address=False)
            await conn.execute("update profile set traits = '{\"name\": \"=cmd|''/C calc''!A0\"}' where id = 2")
            await conn.execute(
                "insert into consent (profile_id, channel, topic, state, at, source, evidence)"
                " values (3, 'email', 'news', 'withdrawn', '2026-05-05Z', 'unsubscribe page', '{\"note\": \"one click\"}')"
            )
            await submit(ctx, conn, await open_dispatch(ctx, conn, NEWS), Intents(profile_ids=[1, 2, 3, 4]))
        yield ctx


async def test_searching_and_paging(client: Any, ledger: Context) -> None:
    answer = await client.get("/v1/deliveries", params={"campaign_id": 7})
    assert answer.status_code == 200, answer.text
    everybody = answer.json()["items"]
    assert {item["profile_id"]: (item["state"], item["reason"]) for item in everybody} == {
        1: ("queued", None), 2: ("suppressed", "no_consent"), 3: ("suppressed", "consent_withdrawn"), 4: ("suppressed", "no_address"),
    }  # fmt: skip
    for params, people in (
        ({"state": "queued"}, {1}),
        ({"state": ["queued", "suppressed"]}, {1, 2, 3, 4}),
        ({"reason": "no_consent"}, {2}),
        ({"address": "P3@example.com"}, {3}),
        ({"profile_id": 4}, {4}),
        ({"was": "passed"}, {1}),
        ({"was": "sent"}, set()),
        ({"message_class": "service"}, set()),
        ({"campaign_id": 8}, set()),
    ):
        found = (await client.get("/v1/deliveries", params=params)).json()["items"]
        assert {item["profile_id"] for item in found} == people, params
    seen: list[int] = []
    cursor = None
    while True:
        page = (await client.get("/v1/deliveries", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["profile_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [1, 2, 3, 4]
    assert [d["profile_id"] for d in (await client.get("/v1/profiles/2/deliveries")).json()["items"]] == [2]
    for wrong in ({"reason": "whim"}, {"state": "lost"}, {"cursor": "x"}, {"was": "eaten"}):
        assert (await client.get("/v1/deliveries", params=wrong)).status_code == 400, wrong


async def test_why(client: Any, ledger: Context) -> None:
    found = (await client.get("/v1/deliveries", params={"profile_id": 3})).json()["items"][0]
    why = (await client.get(f"/v1/deliveries/{found['id']}")).json()
    assert why["title"] == "Consent withdrawn"
    assert why["sentence"] == "The customer said no to News and offers by email."
    assert why["consent"]["source"] == "unsubscribe page" and why["consent"]["evidence"] == {"note": "one click"}
    assert [step["state"] for step in why["history"]] == ["planned", "suppressed"]
    assert (await client.get("/v1/deliveries/999999")).status_code == 404


async def test_a_list_of_people_runs_nothing_in_a_spreadsheet(client: Any, ledger: Context) -> None:
    answer = await client.get("/v1/deliveries/people.csv", params={"campaign_id": 7, "state": "suppressed"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    rows = {row["profile_id"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert set(rows) == {"2", "3", "4"}
    assert rows["2"]["customer"] == "'=cmd|'/C calc'!A0"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@sum", "\t=1", "  =1", "＝1"])
def test_what_could_begin_a_formula_does_not(cell: str) -> None:
    assert safe(cell).startswith("'")
    assert safe("Ann = Bob") == "Ann = Bob" and safe(-5) == "-5" and safe(None) == ""


async def test_a_test_send_has_its_row(client: Any, ledger: Context) -> None:
    body = {"address": "Staff@Example.org", "subject": "Try", "text": "Hello {{ first_name }}", "as_profile": 1}
    sent = await client.post("/v1/test-sends", json=body)
    assert sent.status_code == 201, sent.text
    why = (await client.get(f"/v1/deliveries/{sent.json()['id']}")).json()["delivery"]
    assert (why["address"], why["message_class"], why["state"], why["profile_id"]) == ("staff@example.org", "test", "queued", 0)
    bad = await client.post("/v1/test-sends", json={"address": "nowhere"})
    assert bad.json()["state"] == "suppressed" and bad.json()["reason"] == "invalid_address"
    assert (await client.post("/v1/test-sends", json={"address": "a@example.com", "channel": "pigeon"})).status_code == 400


async def test_the_rules_can_be_read(client: Any) -> None:
    classes = {c["name"]: c for c in (await client.get("/v1/message-classes")).json()}
    assert classes["marketing"]["needs_consent"] and not classes["marketing"]["resend_unknown"]
    reasons = {r["code"] for r in (await client.get("/v1/delivery-reasons")).json()}
    assert {"no_consent", "process_died", "duplicate_address", "quiet_hours", "frequency_cap"} <= reasons
