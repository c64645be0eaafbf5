"""A real shop's year: what is computed of its customers is what a plain reading of its file says."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.awareness.test_imports_events import MAPS, bring_events
from tests.awareness.test_traits_computed import count, define
from tests.conftest import data_file

from antiphon.awareness.events import move_events
from antiphon.awareness.imports import parse_map
from antiphon.awareness.traits.computed.model import Affinity, AffinitySource, Definition, Measured
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

ORDER = "Order Completed"
FIGURES: dict[str, Definition] = {
    "lifetime_value": Measured(measure="sum", event=ORDER, property="total"),
    "orders": Measured(measure="count", event=ORDER),
    "dearest_order": Measured(measure="greatest", event=ORDER, property="total"),
    "first_order": Measured(measure="first", event=ORDER),
    "last_order": Measured(measure="last", event=ORDER),
    "favourite_country": Measured(measure="most_frequent", event=ORDER, property="country"),
    "favourite_product": Measured(measure="most_frequent", event=ORDER, property="products.*.product_id"),
    "products": Measured(measure="distinct", event=ORDER, property="products.*.product_id"),
    "refunds": Measured(measure="count", event="Order Refunded", default=0),
    "likes": Affinity(sources=[AffinitySource(event=ORDER, property="products.*.product_id")], half_life_days=90),
}


def plainly(path: Any) -> dict[str, dict[str, Any]]:
    """The same figures by customer, out of the file's lines, and of each product how many lines it has."""
    invoices: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            invoices[line["InvoiceNo"]].append(line)
    people: dict[str, dict[str, Any]] = {}
    for number, lines in invoices.items():
        if not lines[0]["CustomerID"]:
            continue
        one = people.setdefault(str(int(float(lines[0]["CustomerID"]))), {"refunds": 0, "orders": 0})
        if number.startswith("C"):
            one["refunds"] += 1
            continue
        zone = ZoneInfo("Europe/London")
        at = min(datetime.fromisoformat(line["InvoiceDate"]).replace(tzinfo=zone).astimezone(UTC) for line in lines)
        total = sum(int(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in lines)
        one["orders"] += 1
        one["lifetime_value"] = one.get("lifetime_value", 0) + total
        one["dearest_order"] = max(one.get("dearest_order", total), total)
        one["first_order"] = min(one.get("first_order", at), at)
        one["last_order"] = max(one.get("last_order", at), at)
        one.setdefault("countries", Counter())[lines[0]["Country"]] += 1
        one.setdefault("lines", Counter()).update(line["StockCode"] for line in lines)
    return people


@pytest.mark.store
async def test_a_real_shops_figures(ctx: Context, lake: LakeClient) -> None:
    path = data_file("online_retail.csv.gz")
    await bring_events(ctx, path, parse_map((MAPS / "online_retail.toml").read_text()))
    await move_events(ctx)
    for name, definition in FIGURES.items():
        await define(ctx, name, definition)
    await count(ctx)
    expected = plainly(path)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select i.value, p.traits from identity i join profile p on p.id = i.profile_id where i.kind = 'user_id'"
        )).fetchall()  # fmt: skip
    assert {user for user, _ in rows} == expected.keys() and len(rows) == 4372
    for user, traits in rows:
        wanted = expected[user]
        assert (traits.get("orders", 0), traits["refunds"]) == (wanted["orders"], wanted["refunds"])
        if not wanted["orders"]:
            assert traits.keys() <= {"country", "refunds"}
            continue
        for name in ("lifetime_value", "dearest_order"):
            assert traits[name] == pytest.approx(float(wanted[name]), abs=1e-6)
        for name in ("first_order", "last_order"):
            assert traits[name] == wanted[name].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert wanted["countries"][traits["favourite_country"]] == max(wanted["countries"].values())
        assert wanted["lines"][traits["favourite_product"]] == max(wanted["lines"].values())
        assert traits["products"] == len(wanted["lines"]) and set(traits["likes"]) <= wanted["lines"].keys()
