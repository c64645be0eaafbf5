"""What customers allow: the append-only consent ledger by channel and topic, topics, and the suppression list.

Owns ``consent``, ``consent_state``, ``topic``, ``suppression`` and ``suppression_digest``; `preferences` below it owns
how customers want to be written to. Every row of the ledger carries its evidence: the
text shown, where, when, and from which address. `ChannelRegistry` says which channels there are and which identity
reaches a person on each; execution fills it. Leaves the notice `ConfirmationRequested`, which delivery takes: a
double opt-in is asked for by service mail.
"""

from antiphon.awareness.consent.hosted import HEADERS as HOSTED_HEADERS, hosted_page, veiled
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
from antiphon.awareness.consent.preferences import (
    FREQUENCIES,
    LANGUAGES,
    LONGEST_PAUSE,
    Aspect,
    Said,
    current_preferences,
    link as preferences_link,
    state_preferences,
)
from antiphon.awareness.consent.service import (
    ask_confirmation,
    confirm,
    digest_key,
    lift_stops,
    record_consent,
    record_consents,
    suppress,
    topic_title,
    withdraw_all,
)
from antiphon.awareness.consent.store import consent_as_of

__all__ = [
    "FREQUENCIES",
    "HOSTED_HEADERS",
    "LANGUAGES",
    "LONGEST_PAUSE",
    "Aspect",
    "ChannelKind",
    "ChannelRegistry",
    "ChannelUnknown",
    "ConfirmationRequested",
    "ConsentState",
    "Evidence",
    "Said",
    "Statement",
    "Suppressed",
    "SuppressionReason",
    "TopicUnknown",
    "ask_confirmation",
    "confirm",
    "consent_as_of",
    "current_preferences",
    "digest_key",
    "hosted_page",
    "lift_stops",
    "normal_address",
    "preferences_link",
    "record_consent",
    "record_consents",
    "state_preferences",
    "suppress",
    "topic_title",
    "veiled",
    "withdraw_all",
]
