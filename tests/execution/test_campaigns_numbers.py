"""Every number of a campaign's report is as long as the list it opens, with people in every state there is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import add_account, add_people, add_published, settle, speak, stage, yes
from tests.execution.test_campaigns_service import RUN, draft, segment_of, told

from antiphon.execution.campaigns import service
from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.delivery.hearing import Heard, Hearing, Kind
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

PEOPLE = 40
REFUSED, UNKNOWN, MISSING = {11, 12}, {13, 14, 15}, {16}


async def a_campaign_with_everything(ctx: Context, clock: VirtualClock) -> int:
    """Forty people: ten are held back for seven reasons; of the others some fail, bounce, answer, or stay in the queue."""

    def answer(wire: Wire) -> Receipt:
        number = int(wire.address[1:].partition("@")[0])
        outcome: Any = "unknown" if number in UNKNOWN else "rejected" if number in REFUSED | MISSING else "sent"
        if outcome == "sent":
            return yes(wire)
        return Receipt(
            delivery_id=wire.delivery_id, outcome=outcome, code="5.1.1" if number in MISSING else "5.7.1", detail="no", permanent=True
        )  # fmt: skip

    async with stage(ctx) as parrot:
        parrot.answer = answer
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 32, first=9)
            await add_people(conn, 2, first=1, consent=None)
            await add_people(conn, 2, first=3, consent="withdrawn")
            await add_people(conn, 1, first=5, address=False)
            await add_people(conn, 3, first=6)
            for number, reason in ((6, "hard_bounce"), (7, "complaint"), (8, "manual")):
                await conn.execute(
                    "insert into suppression (channel, address, reason, at, source) values ('parrot', %s, %s, now(), 'test')",
                    (f"p{number}@example.com", reason),
                )
        everybody = await segment_of(ctx, "all", list(range(1, PEOPLE + 1)))
        some = await segment_of(ctx, "some", [9, 10])
        campaign = await draft(ctx, everybody, excluded_segment_ids=[some], version=await add_published(ctx))
        await told(ctx, service.start, campaign)
        await run_until_idle(ctx, [RUN])
        await speak(ctx)
        hearing = Hearing(ctx)
        async with ctx.db.connection() as conn:
            found = await (
                await conn.execute("select profile_id, id from delivery where campaign_id = %s", (campaign.id,))
            ).fetchall()
        ids = dict(found)

        async def hear(kind: Kind, *people: int, **more: Any) -> None:
            for who in people:
                await hearing.hear(Heard(kind=kind, delivery_id=ids[who], profile_id=who, at=clock.now(), **more))

        await hear("bounced", 17, 18, 13, permanent=True)  # of 13 it was not known whether it had arrived
        await hear("bounced", 19, permanent=False)
        await hear("opened", *range(20, 30), 20, 20)
        await hear("clicked", *range(20, 24), 21, url="https://a.example")
        await hear("opened", 14)  # so it had arrived
        await hear("unsubscribed", 24, 25)
        await hear("complained", 26)
        clock.advance(timedelta(days=1))
        await settle(ctx)
        await hear("bounced", 30, permanent=True)  # after it counted as delivered
        await hearing.close()
    return campaign.id


async def listed(client: Any, campaign: int, **search: Any) -> int:
    """How many a search finds, page after page, each once."""
    seen: list[int] = []
    cursor = None
    while True:
        page = await client.get(
            "/v1/deliveries", params={"campaign_id": campaign, "limit": 13, **search} | ({"cursor": cursor} if cursor else {})
        )
        assert page.status_code == 200, page.text
        seen += [item["profile_id"] for item in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            assert len(seen) == len(set(seen))
            return len(seen)


@pytest.mark.store
async def test_every_number_is_as_long_as_its_list(client: Any, ctx: Context, clock: VirtualClock) -> None:
    campaign = await a_campaign_with_everything(ctx, clock)
    report = (await client.get(f"/v1/campaigns/{campaign}/report")).json()
    searches: dict[str, dict[str, Any]] = {
        "audience": {},
        "queued": {"was": "passed"},
        "waiting": {"state": ["planned", "queued", "claimed", "speaking"]},
        "sent": {"was": "sent"},
        "suppressed": {"state": "suppressed"},
        "cancelled": {"state": "cancelled"},
        "failed": {"state": ["failed", "expired"]},
        "unknown": {"state": "unknown"},
        "delivered": {"state": "delivered"},
        "bounced": {"state": "bounced"},
        "opened": {"was": "opened"},
        "clicked": {"was": "clicked"},
        "unsubscribed": {"was": "unsubscribed"},
        "complained": {"was": "complained"},
    }
    found = {name: await listed(client, campaign, **search) for name, search in searches.items()}
    assert {name: report[name] for name in searches} == found
    assert found == {
        "audience": 40, "queued": 30, "waiting": 0, "sent": 25, "suppressed": 10, "cancelled": 0, "failed": 3, "unknown": 2,
        "delivered": 20, "bounced": 5, "opened": 11, "clicked": 4, "unsubscribed": 2, "complained": 1,
    }  # fmt: skip
    assert await listed(client, campaign, was="delivered") == report["delivered"]
    assert await listed(client, campaign, was="bounced") == report["bounced"]
    reasons = [*report["suppressed_by"], *report["failed_by"]]
    assert {one["reason"] for one in reasons} >= {
        "no_consent", "consent_withdrawn", "no_address", "excluded", "suppressed_hard_bounce", "suppressed_complaint",
        "suppressed_manual", "no_answer",
    }  # fmt: skip
    for one in reasons:
        assert await listed(client, campaign, reason=one["reason"]) == one["people"], one
