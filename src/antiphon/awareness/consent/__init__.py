"""What customers allow: the append-only consent ledger by channel and topic, topics, and the suppression list.

Owns ``consent``, ``consent_state``, ``topic`` and ``suppression``. Every row of the ledger carries its evidence: the
text shown, where, when, and from which address. `ChannelRegistry` says which channels there are and which identity
reaches a person on each; execution fills it. Leaves the notice `ConfirmationRequested`, which delivery takes: a
double opt-in is asked for by service mail.
"""

from antiphon.awareness.consent.model import (
    ChannelKind,
    ChannelRegistry,
    ChannelUnknown,
    ConfirmationRequested,
    ConsentState,
    Evidence,
    Statement,
    Suppressed,
    SuppressionReason,
    TopicUnknown,
    normal_address,
)
from antiphon.awareness.consent.service import (
    ask_confirmation,
    confirm,
    record_consent,
    record_consents,
    suppress,
    topic_title,
    withdraw_all,
)
from antiphon.awareness.consent.store import consent_as_of

__all__ = [
    "ChannelKind",
    "ChannelRegistry",
    "ChannelUnknown",
    "ConfirmationRequested",
    "ConsentState",
    "Evidence",
    "Statement",
    "Suppressed",
    "SuppressionReason",
    "TopicUnknown",
    "ask_confirmation",
    "confirm",
    "consent_as_of",
    "normal_address",
    "record_consent",
    "record_consents",
    "suppress",
    "topic_title",
    "withdraw_all",
]
