"""The plans of the hot statements: however long the ledger and the queue, they look only at what they need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import START

from antiphon.execution.delivery.ledger import SQL as LEDGER
from antiphon.execution.delivery.store import BY_PRIORITY, RESEND, SQL
from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store


@pytest.fixture
async def long(db: Database) -> Database:
    """Two dispatches, forty thousand deliveries, half of them still in the queue."""
    async with db.connection() as conn:
        await conn.execute(
            "insert into dispatch (key, channel, message_class, topic, content, created_at)"
            " select 'd' || n, 'email', 'marketing', 'news', '{}', now() from generate_series(1, 2) n"
        )
        await conn.execute(
            "insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, channel, message_class, state, address,"
            " planned_at, due_at, bucket) select n, 'd' || n %% 2, 1 + n %% 2, 1 + n %% 40, 'email', 'marketing', 'queued',"
            " 'p' || n || '@example.com', %(now)s, %(now)s, n %% 64 from generate_series(1, 40000) n",
            {"now": START},
        )
        await conn.execute(
            "insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at)"
            " select id, profile_id, dispatch_id, bucket, due_at from delivery where id % 2 = 0"
        )
        for table in ("delivery", "delivery_queue", "delivery_settle", "dispatch", "profile", "identity", "consent_state"):
            await conn.execute(f"analyze {table}")
    return db


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def scans(db: Database, statement: str, params: dict[str, Any]) -> dict[str, set[str]]:
    """How each table is read: by which indexes, or whole."""
    async with db.connection() as conn:
        row = await (await conn.execute("explain (format json) " + statement, params)).fetchone()  # type: ignore[call-overload]
    assert row is not None
    found: dict[str, set[str]] = {}
    for node in nodes(row[0][0]["Plan"]):
        if node["Node Type"] == "Seq Scan":
            found.setdefault(node["Relation Name"], set()).add("whole")
        elif "Index Name" in node and "Relation Name" in node:
            found.setdefault(node["Relation Name"], set()).add(node["Index Name"])
    return found


async def test_a_claim_reads_the_head_of_each_bucket(long: Database) -> None:
    params = {
        "dispatches": [1, 2], "mosts": [400, 400], "buckets": list(range(32)), "epochs": [1] * 32, "each": 12, "most": 400,
        "now": START + timedelta(days=1),
    }  # fmt: skip
    found = await scans(long, SQL.claim, params)
    assert "delivery_queue_due" in found["delivery_queue"] and "whole" not in found["delivery_queue"]
    assert "whole" not in found["delivery"]


async def test_what_waits_is_found_by_steps(long: Database) -> None:
    found = await scans(long, SQL.waiting_dispatches, {"classes": BY_PRIORITY})
    assert found["delivery_queue"] == {"delivery_queue_due"}


async def test_picking_up_after_the_dead_reads_what_they_had_in_hand(long: Database) -> None:
    params = {"buckets": list(range(32)), "resend_classes": RESEND, "most_attempts": 6, "now": START}
    found = await scans(long, SQL.recover, params)
    assert "delivery_queue_open" in found["delivery_queue"] and "whole" not in found["delivery_queue"]
    assert "whole" not in found["delivery"]


async def test_people_behind_a_number_are_read_by_campaign(long: Database) -> None:
    wanted = dict.fromkeys(
        ("before", "profile_ids", "address", "said_to", "states", "reason", "message_class", "was", "channel", "account_id", "provider_id",
         "since", "until"), None
    ) | {"campaign_id": 7, "limit": 50, "named": True}  # fmt: skip
    found = await scans(long, LEDGER.search, wanted)
    assert "whole" not in found["delivery"]
