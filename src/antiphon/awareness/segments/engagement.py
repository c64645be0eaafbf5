"""Engagement as what it is: a condition on the customer events that delivery writes, named as Segment's e-mail spec does.

Each channel follows the same pattern: `Email Opened`, `Sms Delivered`. Whoever left writes `Unsubscribed` with its channel.
"""

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.kinds import Engagement
from antiphon.awareness.segments.model import EventCondition

_DID = {
    "delivered": "Delivered",
    "opened": "Opened",
    "clicked": "Link Clicked",
    "replied": "Replied",
    "bounced": "Bounced",
    "complained": "Marked As Spam",
}


def as_event(node: Engagement) -> EventCondition:
    """Return the event condition that ``node`` stands for."""
    where = []
    if node.did == "unsubscribed":
        name = "Unsubscribed"
        where.append(PropertyFilter(property="channel", op="is", value=node.channel))
    else:
        name = f"{node.channel.capitalize()} {_DID[node.did]}"
    for key, wanted in (("campaign_id", node.campaign_id), ("template_id", node.template_id)):
        if wanted is not None:
            where.append(PropertyFilter(property=key, op="is", value=wanted))
    return EventCondition(name=name, op=node.op, where=where, window=node.window, value=node.value, high=node.high)
