"""The routes for accounts' health, terms, rules, budgets and costs, as they are used; what is wrong names its field."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.store

EMAIL = {"host": "127.0.0.1", "port": 2525, "security": "none", "from_email": "a@example.com"}


@pytest.fixture
async def accounts(client: Any) -> list[int]:
    made = []
    for name in ("a", "b"):
        answer = await client.post("/v1/channels", json={"channel": "email", "name": name, "settings": EMAIL})
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    return made


async def audited(app: Any) -> list[str]:
    async with app.app.state.ctx.db.connection() as conn:
        rows = await (await conn.execute("select action from audit where action like 'delivery.%' order by id")).fetchall()
    return [action for (action,) in rows]


async def test_an_account_has_terms_and_is_paused_and_resumed(app: Any, client: Any, accounts: list[int]) -> None:
    one = f"/v1/delivery/accounts/{accounts[0]}"
    terms = {
        "per_second": 5, "per_day": 1000, "domains": [{"domain": "gmail.com", "concurrent": 4}],
        "warmup": {"start": "2026-06-01", "first": 100}, "price_micros": 250, "prices": {"DE": 200},
    }  # fmt: skip
    put = await client.put(f"{one}/terms", json=terms)
    assert put.status_code == 200, put.text
    assert put.json()["terms"]["warmup"]["growth"] == 1.5 and put.json()["today"] == 100
    paused = (await client.post(f"{one}/pause", json={"reason": "holidays"})).json()
    assert (paused["state"], paused["reason"]) == ("paused", "holidays") and paused["paused_by"]
    assert (await client.post(f"{one}/resume")).json()["state"] == "working"
    both = (await client.get("/v1/delivery/accounts")).json()
    assert [item["account_id"] for item in both] == accounts and both[1]["terms"]["prices"] == {}
    assert await audited(app) == ["delivery.terms", "delivery.pause", "delivery.resume"]
    assert (await client.get("/v1/delivery/accounts/999")).status_code == 404


async def test_rules_are_made_tried_and_removed(app: Any, client: Any, accounts: list[int]) -> None:
    made = await client.post("/v1/delivery/routes", json={
        "channel": "email", "name": "Germany", "match": {"countries": ["DE"]}, "strategy": "share",
        "targets": [{"account_id": accounts[1], "share": 2}],
    })  # fmt: skip
    assert made.status_code == 201, made.text
    route = made.json()
    tried = [
        (await client.post("/v1/delivery/routes/try", json={"channel": "email", "address": address})).json()
        for address in ("ann@example.de", "ann@example.com")
    ]
    assert [(one["country"], one["accounts"]) for one in tried] == [("DE", [accounts[1]]), ("", accounts)]
    changed = await client.put(f"/v1/delivery/routes/{route['id']}", json={
        "name": "Germany, off", "enabled": False, "targets": [{"account_id": accounts[0]}],
    })  # fmt: skip
    assert changed.json()["position"] == route["position"] and changed.json()["targets"] == [{"account_id": accounts[0], "share": 1.0}]
    assert (await client.delete(f"/v1/channels/{accounts[0]}")).status_code == 409  # the rule needs it
    assert (await client.delete(f"/v1/delivery/routes/{route['id']}")).status_code == 204
    assert (await client.get("/v1/delivery/routes")).json() == []
    assert await audited(app) == ["delivery.route_add", "delivery.route_change", "delivery.route_remove"]


async def test_budgets_are_set_and_costs_read(app: Any, client: Any, accounts: list[int]) -> None:
    made = await client.post("/v1/budgets", json={
        "name": "All", "scope": "everything", "period": "month", "zone": "Europe/Berlin", "amount_micros": 5_000_000,
    })  # fmt: skip
    assert made.status_code == 201, made.text
    budget = made.json()
    assert (budget["left_micros"], budget["currency"], budget["period_start"]) == (5_000_000, "EUR", "2026-06-01")
    own = {"name": "One", "scope": "campaign", "campaign_id": 3, "amount_micros": 100}
    assert (await client.post("/v1/budgets", json=own)).status_code == 201
    assert [item["name"] for item in (await client.get("/v1/budgets?campaign_id=3")).json()["items"]] == ["One"]
    page = (await client.get("/v1/budgets?limit=1")).json()
    assert [item["name"] for item in page["items"]] == ["One"] and page["next"]
    assert [item["name"] for item in (await client.get(f"/v1/budgets?cursor={page['next']}")).json()["items"]] == ["All"]
    changed = await client.put(f"/v1/budgets/{budget['id']}", json={"name": "All", "amount_micros": 1, "enabled": False})
    assert changed.json()["left_micros"] == 1 and changed.json()["period"] == "month"
    assert (await client.delete(f"/v1/budgets/{budget['id']}")).status_code == 204
    assert (await client.get(f"/v1/budgets/{budget['id']}")).status_code == 404
    costs = (await client.get("/v1/delivery/costs?by=day&by=campaign")).json()
    assert (costs["currency"], costs["micros"], costs["rows"]) == ("EUR", 0, [])


@pytest.mark.parametrize("method, path, body, status, field", [
    ("post", "/v1/delivery/routes", {"channel": "email", "name": "x", "targets": [{"account_id": 999}]}, 400, "targets"),
    ("post", "/v1/delivery/routes", {"channel": "email", "name": "x", "targets": []}, 400, "targets"),
    ("post", "/v1/delivery/routes", {"channel": "fax", "name": "x", "targets": [{"account_id": 1}]}, 400, "channel"),
    ("post", "/v1/delivery/routes", {"channel": "email", "name": "x", "match": {"countries": ["de"]}, "targets": [{"account_id": 1}]},
     400, "match.countries[0]"),
    ("put", "/v1/delivery/accounts/1/terms", {"per_second": 0}, 400, "per_second"),
    ("put", "/v1/delivery/accounts/1/terms", {"warmup": {"start": "2026-06-01", "growth": 1}}, 400, "warmup.growth"),
    ("post", "/v1/budgets", {"name": "x", "scope": "channel", "amount_micros": 1}, 400, "scope"),
    ("post", "/v1/budgets", {"name": "x", "scope": "everything", "campaign_id": 1, "amount_micros": 1}, 400, "scope"),
    ("post", "/v1/budgets", {"name": "x", "scope": "account", "account_id": 999, "amount_micros": 1}, 404, "account_id"),
    ("post", "/v1/budgets", {"name": "x", "scope": "everything", "zone": "Mars/Olympus", "amount_micros": 1}, 400, "zone"),
    ("post", "/v1/budgets", {"name": "x", "scope": "everything", "amount_micros": -1}, 400, "amount_micros"),
    ("put", "/v1/budgets/999", {"name": "x", "amount_micros": 1}, 404, None),
    ("put", "/v1/delivery/routes/999", {"name": "x", "targets": [{"account_id": 1}]}, 404, None),
])  # fmt: skip
async def test_what_is_wrong_names_its_field(
    client: Any, accounts: list[int], method: str, path: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = await client.request(method.upper(), path, json=body)
    assert answer.status_code == status, answer.text
    assert (answer.json().get("field") or None) == field
