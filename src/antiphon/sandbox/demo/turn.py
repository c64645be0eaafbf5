"""One turn: a campaign from its start to its last mail, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from antiphon.foundation.errors import AntiphonError
from antiphon.sandbox.demo import opening
from antiphon.sandbox.demo.api import Api
from antiphon.sandbox.demo.letters import campaign_name
from antiphon.sandbox.demo.notes import Notes
from antiphon.sandbox.demo.tally import Tally
from antiphon.sandbox.email import count_received
from antiphon.sandbox.population.life import read_progress

Watch = Callable[[dict[str, Any]], None]
Advance = Callable[[timedelta], Awaitable[None]]
_STILL = 6  # looks at numbers that do not move, half a second apart, until business time is moved
_STEP = timedelta(minutes=10)  # of business time, while messages wait for their next attempt


class CampaignStopped(AntiphonError):
    """The demo's campaign is {state} and will not go on by itself."""


class TakesTooLong(AntiphonError):
    """The demo waited too long: {what}."""


async def start(api: Api, notes: Notes, *, segment_id: int, account_id: int) -> int:
    """Start this turn's campaign; returns its id."""
    campaign = await api.post(
        "/v1/campaigns",
        {
            "name": campaign_name(notes.turns), "channel": "email", "segment_id": segment_id,
            "template_id": await opening.template(api, notes.turns), "account_id": account_id, "topic": opening.TOPIC,
            "message_class": "marketing", "track_opens": True, "track_clicks": True,
        },
    )  # fmt: skip
    await api.act(f"/v1/campaigns/{campaign['id']}/start")
    return int(campaign["id"])


async def report(api: Api, campaign_id: int) -> dict[str, Any]:
    """The campaign's report as the API gives it."""
    found: dict[str, Any] = await api.get(f"/v1/campaigns/{campaign_id}/report")
    return found


async def send_all(api: Api, campaign_id: int, watch: Watch, advance: Advance | None, seconds: float) -> None:
    """Returns when nothing of the campaign is under way. With `advance`, business time is moved to the next attempts."""
    until = time.monotonic() + seconds
    still, before = 0, -1
    while True:
        state = (await api.get(f"/v1/campaigns/{campaign_id}"))["state"]
        now = await report(api, campaign_id)
        watch(now)
        if state == "finished":
            return
        if state not in ("scheduled", "sending"):
            raise CampaignStopped(state=state)
        waiting = now["undecided"] + now["waiting"]
        still = still + 1 if waiting == before else 0
        before = waiting
        if advance is not None and still >= _STILL and waiting:
            await advance(_STEP)
            still = 0
        if time.monotonic() > until:
            raise TakesTooLong(what=f"{waiting} messages are still under way")
        await asyncio.sleep(0.5)


async def answers_in(mail: Path, people: Path, seconds: float) -> None:
    """Returns when the customers have read, and acted on, every mail the server took and its bounces are sent back."""
    until = time.monotonic() + seconds
    end = mail / "received.jsonl"
    while True:
        size = end.stat().st_size if end.exists() else 0
        bounced = int((mail / "bounced").read_text()) if (mail / "bounced").exists() else 0
        if read_progress(people).position >= size and bounced >= size:
            return
        if time.monotonic() > until:
            raise TakesTooLong(what="customers have not answered all their mail")
        await asyncio.sleep(0.2)


async def settle(api: Api, campaign_id: int, advance: Advance, hours: float, seconds: float) -> None:
    """Move business time past the point at which what did not bounce counts as delivered, and wait for that."""
    await advance(timedelta(hours=hours, minutes=5))
    until = time.monotonic() + seconds
    while (now := await report(api, campaign_id))["sent"] != now["delivered"] + now["bounced"]:
        if time.monotonic() > until:
            raise TakesTooLong(what="sent messages do not become delivered")
        await asyncio.sleep(0.3)


def tally(found: dict[str, Any], notes: Notes, mail: Path, hours: float, seconds: float) -> Tally:
    """The report and the mail server's log as the numbers that must reconcile."""
    return Tally(
        audience=found["audience"],
        queued=found["queued"],
        sent=found["sent"],
        suppressed={row["reason"]: row["people"] for row in found["suppressed_by"]},
        failed=found["failed"] + found["cancelled"],
        unknown=found["unknown"],
        delivered=found["delivered"],
        bounced=found["bounced"],
        opened=found["opened"],
        clicked=found["clicked"],
        unsubscribed=found["unsubscribed"],
        complained=found["complained"],
        sink_received=count_received(mail) - notes.log_start,
        delivered_after_hours=hours,
        customers=notes.customers,
        seed=notes.seed,
        seconds=round(seconds, 1),
    )
