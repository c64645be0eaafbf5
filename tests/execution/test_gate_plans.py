"""The plans of the gate's statements: however long the ledger and however many people, they look only at whom they are asked for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import START
from tests.execution.test_delivery_plans import scans

from antiphon.execution.delivery.gate.look import QUICK_RULES, SQL
from antiphon.execution.delivery.model import ADDRESS_RULES
from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store
LOOK: dict[str, Any] = {
    "profile_ids": [1, 2, 3], "addresses": [], "identity": "email", "digest_key": b"k" * 32, "now": START, "zoned": True,
    "address_rule": ADDRESS_RULES["email"], "quick_rule": QUICK_RULES["email"], "needs_consent": True, "channel": "email",
    "topic": "news", "campaign_id": 7, "occurrence": "1", "hop": 0, "dispatch_id": 1,
    "aspects": ["frequency"], "delivery_ids": [1, 2, 3],
}  # fmt: skip


FILL = """
insert into profile (id, traits) select n, '{}' from generate_series(1, 20000) n;
insert into identity (kind, value, profile_id) select 'email', 'p' || n || '@example.com', n from generate_series(1, 20000) n;
insert into consent_state (profile_id, channel, topic, state, at, consent_id)
select n, 'email', 'news', 'granted', now(), 0 from generate_series(1, 20000) n;
insert into preference (profile_id, aspect, value, at, source, change_id)
select n, 'frequency', '"daily"', now(), '', 0 from generate_series(1, 20000) n;
insert into suppression (channel, address, reason, at, source)
select 'email', 'p' || n || '@example.com', 'manual', now(), '' from generate_series(1, 20000) n;
insert into alias (from_id, to_id, into_id, at, reason) select 100000 + n, n, n, now(), 't' from generate_series(1, 20000) n;
insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, channel, message_class, state, address, planned_at,
    due_at, bucket)
select 1 + n % 20000, 'd' || n, 1, 7, 'email', 'marketing', 'sent', 'p', now(), now(), n % 64 from generate_series(1, 40000) n;
insert into contact (profile_id, at, delivery_id, kind) select profile_id, due_at, id, 1 from delivery;
insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at)
select id, profile_id, 1, bucket, due_at from delivery
"""


@pytest.fixture
async def long(db: Database) -> Database:
    """Twenty thousand people with forty thousand deliveries behind them."""
    async with db.connection() as conn:
        await conn.execute(FILL)
        await conn.execute("vacuum analyze")
    return db


@pytest.mark.parametrize("people", [3, 15_000])
async def test_looking_reads_by_person(long: Database, people: int) -> None:
    found = await scans(long, SQL.look, LOOK | {"profile_ids": list(range(1, people + 1))})
    for table in ("delivery", "profile", "identity", "consent_state", "suppression", "alias", "preference", "delivery_queue"):
        assert "whole" not in found.get(table, set()), table
    assert found["delivery"] == {"delivery_person"}


@pytest.mark.parametrize("name", ["contacts", "contacts_before"])
async def test_contacts_are_read_from_their_index_alone(long: Database, name: str) -> None:
    many = 15_000
    asked = {
        "person_ids": list(range(many)), "since": [START] * many, "until": [START] * many, "places": list(range(many)), "kinds": [1],
    }  # fmt: skip
    async with long.connection() as conn:
        row = await (await conn.execute("explain (format text) " + SQL[name], asked)).fetchall()  # type: ignore[call-overload]
    text = "\n".join(line for (line,) in row)
    assert "Index Only Scan using contact_person" in text and "Seq Scan" not in text


async def test_rivals_are_found_by_person_and_row(long: Database) -> None:
    found = await scans(long, SQL.rivals, {"person_ids": [1, 2], "places": [0, 1], "kinds": [1], "since": START})
    assert "whole" not in found["contact"] | found["delivery_queue"]


async def test_pruning_reads_a_part(long: Database) -> None:
    found = await scans(long, SQL.prune_contacts, {"after": 0, "most": 100, "before": START, "now": START})
    assert "whole" not in found["contact"]
