"""What can go wrong with deliveries."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Invalid, NotFound


class DeliveryUnknown(NotFound):
    """There is no delivery {delivery}."""

    code = "delivery-unknown"


class NoAccount(Conflict):
    """There is no enabled account to send by {channel}; add one in the settings."""

    code = "no-channel-account"


class TopicMissing(Invalid):
    """A marketing message needs a topic: consent is given for topics."""

    code = "topic-missing"


class NothingToSay(Invalid):
    """A message needs a template or a text."""

    code = "nothing-to-say"


class StateUnknown(Invalid):
    """There is no delivery state {state}."""

    code = "delivery-state-unknown"


class ReasonUnknown(Invalid):
    """There is no delivery reason {reason}."""

    code = "delivery-reason-unknown"


class NotRetriable(Conflict):
    """Delivery {delivery} is {state} and cannot be sent again: it may have been received, or what stopped it still does."""

    code = "delivery-not-retriable"


class NotUnknown(Conflict):
    """Delivery {delivery} is {state}: only what is unknown can be resolved."""

    code = "delivery-not-unknown"
