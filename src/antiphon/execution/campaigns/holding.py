"""When the system itself keeps a campaign back: it says why, where a person finds it."""

from __future__ import annotations

from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.model import CampaignState, Held
from antiphon.execution.delivery import hold
from antiphon.foundation.access import SYSTEM, audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Connection


async def keep_back(
    ctx: Context, conn: Connection, campaign_id: int, failed: AntiphonError, state: CampaignState = "paused"
) -> None:
    """Pause it, or make it a draft again, because of this."""
    await store.move_campaign(conn, campaign_id, state, now=ctx.clock.now())
    held = Held(code=failed.code, facts=_facts(failed), quoted=failed.quoted)
    await store.hold_for(conn, campaign_id, str(failed), held)
    if state == "paused":
        await hold(conn, campaign_id, "paused")
    await audit(conn, SYSTEM, action="campaigns.pause", subject=f"campaign:{campaign_id}", after={"why": str(failed)})


def _facts(failed: AntiphonError) -> dict[str, str | int | float]:
    return {name: fact if isinstance(fact, str | int | float) else str(fact) for name, fact in failed.facts.items()}
