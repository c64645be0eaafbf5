"""Approval before sending: when it is needed, who asks, who decides, and how the others hear of it.

The installation's rule says whether campaigns must be approved: never, when they are for more people than a number, or always
(campaigns that go on, recurring and triggered, count as more than any number). Who wrote any of it cannot approve it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from antiphon.awareness.segments import find_segment
from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.model import (
    Approval,
    ApprovalNeeded,
    Campaign,
    CampaignIncomplete,
    CampaignUnknown,
    OwnApproval,
    Verb,
)
from antiphon.execution.campaigns.rules import APPROVERS, Rule
from antiphon.execution.campaigns.running import ready_to_start
from antiphon.execution.delivery import Content, NewDispatch, NoAccount, submit_one
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)

ASKED = Content(
    subject="Please approve: {{ campaign_name }}",
    text=(
        "Hello {{ name }},\n\n{{ asked_by }} asks for approval of the campaign \"{{ campaign_name }}\""
        "{% if audience %} to {{ audience }} people{% endif %}.\n\nRead and decide it here:\n{{ link }}\n"
    ),
)
DECIDED = Content(
    subject="{% if approved %}Approved{% else %}Refused{% endif %}: {{ campaign_name }}",
    text=(
        "Hello {{ name }},\n\n{{ decided_by }} has {% if approved %}approved{% else %}refused{% endif %} the campaign "
        "\"{{ campaign_name }}\".\n{% if comment %}\n{{ comment }}\n{% endif %}\n{{ link }}\n"
    ),
)


async def require(conn: Connection, campaign: Campaign) -> None:
    """Raise ApprovalNeeded where the campaign may not start without an approval it does not have."""
    if campaign.state != "approved" and await is_needed(conn, campaign):
        raise ApprovalNeeded


async def is_needed(conn: Connection, campaign: Campaign) -> bool:
    """Whether the rule wants somebody else's approval of this campaign."""
    rule = await store.read_rule(conn)
    match rule.approval:
        case "off":
            return False
        case "always":
            return True
        case "over":
            return campaign.kind != "one_off" or await size_of(conn, campaign) > rule.approval_over


async def size_of(conn: Connection, campaign: Campaign) -> int:
    """How many its segment holds."""
    return 0 if campaign.segment_id is None else (await find_segment(conn, campaign.segment_id)).size


async def change_rule(ctx: Context, conn: Connection, who: Principal, rule: Rule) -> Rule:
    """Change the installation's rule."""
    before = await store.read_rule(conn)
    await store.write_rule(conn, rule, who.name, ctx.clock.now())
    await audit(conn, who, action="campaigns.rule", subject="campaigns", before=before, after=rule)
    return rule


async def ask(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Ask for approval; those who may give it hear of it. Raises CampaignStateConflict, and what keeps it from starting."""
    campaign = await _locked(conn, campaign_id, "submit")
    await ready_to_start(ctx, conn, campaign)
    size = await size_of(conn, campaign) if campaign.segment_id is not None else None
    asked = Approval(asked_by=who.name, asked_at=ctx.clock.now(), audience=size)
    after = await _move(ctx, conn, who, campaign, "awaiting_approval", asked)
    for person in await store.approvers(conn, APPROVERS):
        if person.subject not in campaign.authors and person.subject != who.subject:
            facts = {"asked_by": who.name, "audience": size}
            await _tell(ctx, conn, person, after, "asked", ASKED, facts)
    return after


async def decide(
    ctx: Context, conn: Connection, who: Principal, campaign_id: int, *, approve: bool, comment: str
) -> Campaign:
    """Approve or refuse it. Raises OwnApproval, CampaignStateConflict; a refusal needs a comment (CampaignIncomplete)."""
    campaign = await _locked(conn, campaign_id, "approve" if approve else "refuse")
    if who.subject in campaign.authors:
        raise OwnApproval
    if not approve and not comment.strip():
        raise CampaignIncomplete("A refusal says why.", field="comment")
    assert campaign.approval is not None
    decided = msgspec.structs.replace(
        campaign.approval, decided_by=who.name, decided_at=ctx.clock.now(), comment=comment.strip()
    )
    after = await _move(ctx, conn, who, campaign, "approved" if approve else "refused", decided)
    facts = {"decided_by": who.name, "approved": approve, "comment": comment.strip()}
    for person in await store.authors(conn, campaign.authors):
        await _tell(ctx, conn, person, after, "decided", DECIDED, facts)
    return after


async def _locked(conn: Connection, campaign_id: int, verb: Verb) -> Campaign:
    campaign = await store.lock_campaign(conn, campaign_id)
    if campaign is None:
        raise CampaignUnknown(campaign=campaign_id)
    campaign.require(verb)
    return campaign


async def _move(
    ctx: Context,
    conn: Connection,
    who: Principal,
    campaign: Campaign,
    state: Literal["awaiting_approval", "approved", "refused"],
    said: Approval,
) -> Campaign:
    await store.move_campaign(conn, campaign.id, state, now=ctx.clock.now())
    await store.write_approval(conn, campaign.id, said)
    after = await store.find_campaign(conn, campaign.id)
    assert after is not None
    action = {"awaiting_approval": "campaigns.submit", "approved": "campaigns.approve", "refused": "campaigns.refuse"}[state]
    await audit(conn, who, action=action, subject=f"campaign:{campaign.id}", before=campaign, after=after)
    return after


async def _tell(
    ctx: Context,
    conn: Connection,
    person: store.Colleague,
    campaign: Campaign,
    what: str,
    content: Content,
    facts: Mapping[str, object],
) -> None:
    """A staff message through the gate; without an account for e-mail it is left to the console."""
    new = NewDispatch(key=f"staff:approval:{what}", channel="email", message_class="staff", content=content)
    variables = {
        "name": person.name, "campaign_name": campaign.name, "link": f"{ctx.settings.base_url}/campaigns/{campaign.id}", **facts
    }  # fmt: skip
    try:
        await submit_one(
            ctx, conn, new, suffix=f"{campaign.id}:{person.id}:{ctx.clock.now().isoformat()}", variables=variables,
            address=person.email,
        )  # fmt: skip
    except NoAccount as failed:
        log.info("nobody was told of an approval", campaign=campaign.id, error=str(failed))
