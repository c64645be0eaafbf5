"""Routes of the gate's rules: what can be set, what cannot, and that each change is audited."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.store
CAP: dict[str, Any] = {"name": "Three a week", "most": 3, "seconds": 604_800, "classes": ["marketing"]}


async def test_caps(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/delivery/caps", json=CAP)
    assert made.status_code == 201, made.text
    cap = made.json()
    assert (cap["most"], cap["topics"], cap["enabled"]) == (3, [], True)
    assert (await client.post("/v1/delivery/caps", json=CAP)).json()["code"] == "cap-exists"
    url = f"/v1/delivery/caps/{cap['id']}"
    changed = await client.put(url, json={**CAP, "most": 5, "channels": ["email"]})
    assert (changed.json()["most"], changed.json()["channels"]) == (5, ["email"])
    assert (await client.put(url, json={**CAP, "channels": ["pigeon"]})).json()["code"] == "channel-unknown"
    assert (await client.put(url, json={**CAP, "topics": ["nothing"]})).json()["code"] == "topic-unknown"
    refused = await client.put(url, json={**CAP, "classes": ["one_time_code"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "delivery-rule-invalid")
    assert [one["id"] for one in (await client.get("/v1/delivery/caps")).json()] == [cap["id"]]
    assert (await client.delete(url)).status_code == 204
    assert (await client.put(url, json=CAP)).json()["code"] == "cap-unknown"
    actions = [one["action"] for one in (await client.get("/v1/audit")).json()["items"]]
    assert actions.count("delivery.cap") == 3


async def test_clocks(client: httpx.AsyncClient) -> None:
    wanted = {
        "timezone": "Europe/Berlin", "quiet": {"marketing": {"from": "21:00", "to": "08:00"}},
        "windows": {"service": [{"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "00:00"}]},
    }  # fmt: skip
    assert (await client.put("/v1/delivery/clocks", json=wanted)).json() == wanted
    assert (await client.get("/v1/delivery/clocks")).json() == wanted
    for wrong, field in (
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"quiet": {"marketing": {"from": "08:00", "to": "08:00"}}}, "quiet.marketing.to"),
        ({"quiet": {"one_time_code": {"from": "08:00", "to": "09:00"}}}, "quiet"),
        ({"windows": {"marketing": [{"days": [1], "from": "10:00", "to": "09:00"}]}}, "windows.marketing[0].to"),
        ({"quiet": {"marketing": {"from": "25:00", "to": "08:00"}}}, "quiet"),
    ):
        answer = await client.put("/v1/delivery/clocks", json={**wanted, **wrong})
        assert answer.status_code == 400 and answer.json()["field"].startswith(field), answer.text
    assert (await client.get("/v1/delivery/clocks")).json() == wanted


async def test_suitability(client: httpx.AsyncClient) -> None:
    table = (await client.get("/v1/delivery/suitability")).json()
    verdicts = {(row["purpose"], row["channel"]): row["verdict"] for row in table["rows"]}
    assert verdicts["newsletter", "sms"] == "refused" and verdicts["one_time_code", "email"] == "reserve"
    assert verdicts["urgent_alert", "sms"] == "default" and verdicts["product_news", "email"] == "default"
    rows = [row for row in table["rows"] if row["purpose"] == "survey"]
    assert (await client.put("/v1/delivery/suitability", json={"rows": rows})).json()["rows"] == rows
    assert (await client.put("/v1/delivery/suitability", json={"rows": rows + rows})).json()["code"] == "delivery-rule-invalid"
    unknown = [{"purpose": "gossip", "channel": "sms", "verdict": "refused"}]
    assert (await client.put("/v1/delivery/suitability", json={"rows": unknown})).json()["code"] == "purpose-unknown"


async def test_holdouts(client: httpx.AsyncClient) -> None:
    made = (await client.put("/v1/holdouts/universal", json={"percent": 5, "period": "quarter"})).json()
    more = (await client.put("/v1/holdouts/universal", json={"percent": 10, "period": "quarter"})).json()
    assert made["salt"] == more["salt"], "whoever was held out still is"
    other = (await client.put("/v1/holdouts/universal", json={"percent": 10, "redraw": True})).json()
    assert other["salt"] != more["salt"]
    assert (await client.put("/v1/holdouts/universal", json={"percent": 51})).status_code == 400
    assert [one["name"] for one in (await client.get("/v1/holdouts")).json()] == ["universal"]
    assert (await client.delete("/v1/holdouts/universal")).status_code == 204
    assert (await client.delete("/v1/holdouts/universal")).json()["code"] == "holdout-unknown"
