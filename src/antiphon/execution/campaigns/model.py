"""What a campaign is, its states, and what may follow what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from antiphon.execution.campaigns.arms import ArmChoice, ArmWinner, CampaignArm
from antiphon.execution.campaigns.goals import Goal
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from antiphon.foundation.recurrence import Recurrence

CampaignKind = Literal["one_off", "recurring", "triggered"]
CampaignState = Literal[
    "draft", "awaiting_approval", "approved", "refused", "scheduled", "sending", "running", "paused", "finished", "cancelled"
]
CampaignClass = Literal["transactional", "service", "marketing"]
Verb = Literal["change", "submit", "approve", "refuse", "start", "pause", "resume", "cancel", "delete", "adopt"]

ALLOWED: dict[Verb, frozenset[CampaignState]] = {
    "change": frozenset({"draft", "awaiting_approval", "approved", "refused", "scheduled"}),
    "submit": frozenset({"draft", "refused"}),
    "approve": frozenset({"awaiting_approval"}),
    "refuse": frozenset({"awaiting_approval", "approved"}),
    "start": frozenset({"draft", "approved"}),
    "pause": frozenset({"scheduled", "sending", "running"}),
    "resume": frozenset({"paused"}),
    "cancel": frozenset({"scheduled", "sending", "running", "paused"}),
    "delete": frozenset({"draft", "refused"}),
    "adopt": frozenset({"sending", "running", "paused"}),
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


class ApprovalNeeded(Conflict):
    """This campaign starts only once somebody else has approved it."""

    code = "approval-needed"


class OwnApproval(Forbidden):
    """Who wrote a campaign cannot approve it."""

    code = "own-approval"


class Fallback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next channel, said when the one before was refused or failed, or had no receipt (`receipt_within` seconds) or no
    answer (`answer_within` seconds) in time. Without a template it says what the one before said."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    template_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    account_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    receipt_within: Annotated[float, msgspec.Meta(ge=10, le=30 * 86_400)] | None = None
    answer_within: Annotated[float, msgspec.Meta(ge=10, le=30 * 86_400)] | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for approval of a campaign to how many, and who decided it how."""

    asked_by: str
    asked_at: datetime
    audience: int | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    comment: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Why the system itself paused a campaign: an error's code, and the facts its sentence speaks of. ``quoted``: the sentence
    is a rule that was stated where it broke."""

    code: str
    facts: dict[str, str | int | float] = {}
    quoted: bool = False


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign and how far it is: ``audience`` people were frozen at its start, ``taken`` of them decided by the gate; of a
    recurring one, over all its ``occurrences``. ``held`` is why the system itself paused it, ``held_reason`` the same as a
    sentence."""

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
    occurrences: int = 0
    kind: CampaignKind = "one_off"
    local_at: datetime | None = None
    recurrence: Recurrence | None = None
    trigger: Trigger | None = None
    purpose: str = ""
    split: bool = False
    hops: list[Fallback] = []
    usual_path: bool = True
    holdout_percent: float = 0
    budget_micros: int | None = None
    goal: Goal | None = None
    next_wall: datetime | None = None
    next_at: datetime | None = None
    authors: list[str] = []
    approval: Approval | None = None
    held_reason: str | None = None
    held: Held | None = None
    arms: list[CampaignArm] = []
    arm_choice: ArmChoice | None = None
    arm_winner: ArmWinner | None = None

    def by_arm(self, arm: CampaignArm) -> Campaign:
        """The campaign as one of its arms says it."""
        elsewhere = arm.channel is not None and arm.channel != self.channel
        return msgspec.structs.replace(
            self,
            channel=arm.channel or self.channel,
            account_id=arm.account_id if arm.account_id is not None or elsewhere else self.account_id,
            template_id=arm.template_id or self.template_id,
            template_version_id=None if arm.template_id is not None else self.template_version_id,
        )

    def require(self, verb: Verb) -> None:
        """Raise CampaignStateConflict unless the campaign's state allows this."""
        if self.state not in ALLOWED[verb]:
            raise CampaignStateConflict(what=self.state, verb=verb)


def dispatch_key(campaign_id: int, occurrence: str) -> str:
    """The key of a campaign's dispatch; with a person it makes the intent's idempotency key."""
    return f"campaign:{campaign_id}:{occurrence}"
