"""Which campaigns use a segment: said where the segment is looked at, and kept in mind when it is put away."""

from __future__ import annotations

from typing import Any

from antiphon.foundation.postgres import Database


async def test_a_segment_lists_its_campaigns_and_is_not_put_away_while_one_goes_on(client: Any, db: Database) -> None:
    one = (await client.post("/v1/segments", json={"name": "One"})).json()["id"]
    two = (await client.post("/v1/segments", json={"name": "Two"})).json()["id"]
    for name, body in (("Spring", {"segment_id": one}), ("Summer", {"segment_id": two, "excluded_segment_ids": [one]})):
        made = await client.post("/v1/campaigns", json={"name": name, **body})
        assert made.status_code == 201, made.text
    found = (await client.get(f"/v1/segments/{one}/uses")).json()
    assert [(u["kind"], u["name"], u["state"], u["active"]) for u in found["others"]] == [
        ("campaign", "Spring", "draft", False), ("campaign", "Summer", "draft", False)
    ]  # fmt: skip
    async with db.connection() as conn:
        await conn.execute("update campaign set state = 'paused' where name = 'Summer'")
    refused = await client.delete(f"/v1/segments/{one}")
    assert refused.status_code == 409, refused.text
    assert "Summer" in refused.json()["detail"]
    async with db.connection() as conn:
        await conn.execute("update campaign set state = 'cancelled'")
    assert (await client.delete(f"/v1/segments/{one}")).status_code < 300
