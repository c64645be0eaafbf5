"""What a campaign is, its states, and what may follow what."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from antiphon.foundation.errors import Conflict, Invalid, NotFound

CampaignState = Literal["draft", "scheduled", "sending", "paused", "finished", "cancelled"]
CampaignClass = Literal["transactional", "service", "marketing"]
Verb = Literal["change", "start", "pause", "resume", "cancel", "delete"]

ALLOWED: dict[Verb, frozenset[CampaignState]] = {
    "change": frozenset({"draft", "scheduled"}),
    "start": frozenset({"draft"}),
    "pause": frozenset({"scheduled", "sending"}),
    "resume": frozenset({"paused"}),
    "cancel": frozenset({"scheduled", "sending", "paused"}),
    "delete": frozenset({"draft"}),
}


class CampaignUnknown(NotFound):
    """There is no campaign {campaign}."""

    code = "campaign-unknown"


class CampaignIncomplete(Invalid):
    """The campaign cannot start: {what}."""

    code = "campaign-incomplete"


class CampaignStateConflict(Conflict):
    """A campaign that is {what} cannot be asked to {verb}."""

    code = "campaign-state-conflict"


class NoSuchPart(Invalid):
    """There is no {what} {id}."""

    code = "campaign-part-unknown"


class NotPublished(Invalid):
    """The template has no published version yet."""

    code = "template-not-published"


class WrongChannel(Invalid):
    """The {what} is not for the channel {channel}."""

    code = "campaign-wrong-channel"


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign and how far it is: ``audience`` people were frozen at its start, ``taken`` of them decided by the gate."""

    id: int
    name: str
    description: str
    channel: str
    segment_id: int | None
    excluded_segment_ids: list[int]
    template_id: int | None
    template_version_id: int | None
    account_id: int | None
    topic: str | None
    message_class: CampaignClass
    track_opens: bool
    track_clicks: bool
    send_at: datetime | None
    state: CampaignState
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    archived_at: datetime | None
    audience: int | None = None
    taken: int | None = None

    def require(self, verb: Verb) -> None:
        """Raise CampaignStateConflict unless the campaign's state allows this."""
        if self.state not in ALLOWED[verb]:
            raise CampaignStateConflict(what=self.state, verb=verb)


def dispatch_key(campaign_id: int, occurrence: str) -> str:
    """The key of a campaign's dispatch; with a person it makes the intent's idempotency key."""
    return f"campaign:{campaign_id}:{occurrence}"
