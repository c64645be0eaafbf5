"""What can go wrong with deliveries."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Invalid, NotFound, TooMany


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


class ReasonUnknown(Invalid):
    """There is no delivery reason {reason}."""

    code = "delivery-reason-unknown"


class NotRetriable(Conflict):
    """Delivery {delivery} is {state} and cannot be sent again: it may have been received, or what stopped it still does."""

    code = "delivery-not-retriable"


class NotUnknown(Conflict):
    """Delivery {delivery} is {state}: only what is unknown can be resolved."""

    code = "delivery-not-unknown"


class VerificationUnknown(NotFound):
    """There is no verification {verification}."""

    code = "verification-unknown"


class VerificationOver(Conflict):
    """The verification is over: {state}."""

    code = "verification-over"


class FactorUnknown(Invalid):
    """Say which channel's code is meant: one of this verification that has not passed yet, and can do this."""

    code = "verification-factor-unknown"


class TooManyCodes(TooMany):
    """Enough codes were sent there for now."""

    code = "too-many-codes"


class CodeTextMissing(Invalid):
    """The text of a verification must have the code in it."""

    code = "verification-text-without-code"


class ChannelTwice(Invalid):
    """Two channels must both pass: name two different ones."""

    code = "verification-channel-twice"


class RouteUnknown(NotFound):
    """There is no delivery route {route}."""

    code = "delivery-route-unknown"


class TargetInvalid(Invalid):
    """Each account of a route must be on {channel}, and there once."""

    code = "delivery-route-target"


class BudgetUnknown(NotFound):
    """There is no budget {budget}."""

    code = "budget-unknown"


class BudgetInvalid(Invalid):
    """This cannot be a budget: {rule}."""

    code = "budget-invalid"


class EngagementUnknown(NotFound):
    """There is no open or click {engagement}."""

    code = "engagement-unknown"
