"""Every reason a ledger row can give, with the sentence a person reads. Codes are stable: they are stored for ever."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.execution.delivery.model import State


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A stable code, the states it explains, and its sentence; ``{facts}`` in it are filled in for one delivery."""

    code: str
    states: tuple[State, ...]
    title: str
    sentence: str


_ALL = (
    # refused by the gate, or again just before speaking
    Reason(code="no_such_customer", states=("suppressed",), title="No such customer",
           sentence="The customer was erased before the message was decided."),
    Reason(code="merged", states=("suppressed",), title="Merged into another customer",
           sentence="This customer was merged into customer {merged_into}, who has this message's row."),
    Reason(code="excluded", states=("suppressed",), title="Excluded",
           sentence="The customer was in a segment that the campaign excludes."),
    Reason(code="no_address", states=("suppressed",), title="No address",
           sentence="The customer has no {identity} to be reached at by {channel}."),
    Reason(code="invalid_address", states=("suppressed",), title="Invalid address",
           sentence="{address} is not an address {channel} can reach."),
    Reason(code="suppressed_hard_bounce", states=("suppressed",), title="Address bounced before",
           sentence="{address} is on the suppression list: an earlier message to it bounced for good."),
    Reason(code="suppressed_complaint", states=("suppressed",), title="Complained before",
           sentence="{address} is on the suppression list: an earlier message was marked as spam."),
    Reason(code="suppressed_manual", states=("suppressed",), title="On the suppression list",
           sentence="{address} is on the suppression list, where somebody put it."),
    Reason(code="no_consent", states=("suppressed",), title="No consent",
           sentence="The customer never agreed to {topic} by {channel}."),
    Reason(code="consent_pending", states=("suppressed",), title="Consent not confirmed",
           sentence="The customer agreed to {topic} by {channel}, but has not confirmed it yet."),
    Reason(code="consent_withdrawn", states=("suppressed",), title="Consent withdrawn",
           sentence="The customer said no to {topic} by {channel}."),
    Reason(code="paused_by_customer", states=("suppressed",), title="Paused by the customer",
           sentence="The customer asked for a pause that was not over."),
    Reason(code="duplicate_address", states=("suppressed",), title="Address already written to",
           sentence="{address} got this message as another customer's address."),
    Reason(code="frequency_cap", states=("suppressed",), title="Too many messages",
           sentence="The customer had as many messages as the frequency cap allows."),
    Reason(code="customer_frequency", states=("suppressed",), title="More than the customer wants",
           sentence="The customer asked for fewer messages, and had as many as they want."),
    Reason(code="displaced", states=("suppressed",), title="Gave its place to something more urgent",
           sentence="A frequency cap left room for one message, and a more urgent one took it."),
    Reason(code="quiet_hours", states=("planned", "suppressed"), title="Quiet hours",
           sentence="It is quiet hours where the customer is: it waits until {due_at}."),
    Reason(code="quiet_too_long", states=("expired",), title="Quiet for too long",
           sentence="Where the customer is, quiet hours end only after the message loses its meaning at {expires_at}."),
    Reason(code="prefers_other_channel", states=("suppressed",), title="Prefers another channel",
           sentence="The customer prefers another channel than {channel}, and the message goes there as well."),
    Reason(code="holdout", states=("suppressed",), title="Held out",
           sentence="The customer is in a group that is not written to, to measure what messages do."),
    Reason(code="unsuitable_channel", states=("suppressed",), title="Unsuitable channel",
           sentence="What this message is for is not said by {channel}."),
    Reason(code="render_failed", states=("failed",), title="Could not be written",
           sentence="The template could not be filled in for this customer: {detail}"),
    Reason(code="budget_exhausted", states=("suppressed",), title="Budget used up",
           sentence="A budget that pays for it was used up before this message was said."),
    # said, or tried
    Reason(code="accepted", states=("sent",), title="Sent",
           sentence="{address} accepted it at {sent_at}; no bounce since."),
    Reason(code="receipt", states=("delivered",), title="Delivered",
           sentence="The other side said that it was delivered."),
    Reason(code="no_bounce", states=("delivered",), title="Delivered",
           sentence="It was accepted for {address} and no bounce came in time."),
    Reason(code="bounced", states=("bounced",), title="Bounced",
           sentence="It was accepted for {address} first, then returned: {detail}"),
    Reason(code="refused", states=("failed",), title="Refused",
           sentence="The other side refused it for good: {detail}"),
    Reason(code="gave_up", states=("failed",), title="Given up",
           sentence="It was tried {attempts} times and put off each time; the last answer: {detail}"),
    Reason(code="unsendable", states=("failed",), title="Cannot be carried",
           sentence="The channel cannot carry this message: {detail}"),
    Reason(code="too_long", states=("failed",), title="Too long",
           sentence="The text is too long for one part of {channel}, and may not be split: {detail}"),
    Reason(code="link_missing", states=("failed",), title="Link missing",
           sentence="A message by {channel} needs a link, and this one has none."),
    Reason(code="too_late", states=("expired",), title="Too late",
           sentence="It could not be said before it lost its meaning at {expires_at}."),
    Reason(code="campaign_cancelled", states=("cancelled",), title="Cancelled",
           sentence="The campaign was cancelled before this message was said."),
    Reason(code="left_journey", states=("cancelled",), title="Left the journey",
           sentence="The customer left the journey before this message was said, and it was decided not to say it any more."),
    Reason(code="answered", states=("cancelled",), title="Answered before",
           sentence="The customer answered an earlier message of this chain, so this one was not needed."),
    Reason(code="not_in_time", states=("expired",), title="Not in time",
           sentence="The code could not be handed over by {channel} in time; the channel after it says it."),
    Reason(code="verification_over", states=("cancelled",), title="Verification over",
           sentence="The verification was over before this code was said."),
    Reason(code="no_answer", states=("unknown",), title="No answer",
           sentence="It was said and the other side did not answer; it may or may not have arrived. {detail}"),
    Reason(code="process_died", states=("unknown",), title="Interrupted",
           sentence="The process died while it was speaking. It may or may not have arrived: it is not sent again."),
    Reason(code="resolved_delivered", states=("delivered",), title="Marked as delivered",
           sentence="It was not known whether it arrived; somebody looked it up and said that it did."),
    Reason(code="resolved_not_delivered", states=("failed",), title="Marked as not delivered",
           sentence="It was not known whether it arrived; somebody looked it up and said that it did not."),
)  # fmt: skip

REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _ALL}

PROGRESS: Mapping[State, str] = {
    "planned": "It will be sent at {due_at}.",
    "queued": "It passed the gate and waits to be sent.",
    "claimed": "It is being written.",
    "speaking": "It is being handed over to the other side.",
}


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def explain(state: State, reason: str | None, facts: Mapping[str, object]) -> str:
    """One sentence on why a delivery is in its state."""
    known = REASONS.get(reason or "")
    text = known.sentence if known else PROGRESS.get(state, state.capitalize() + ".")
    if state == "queued" and facts.get("attempts"):
        text = "It was put off by the other side and is tried again at {next_attempt_at}: {detail}"
    filled = {key: "" if value is None else value for key, value in facts.items()}
    return text.format_map(_Facts(filled)).strip()
