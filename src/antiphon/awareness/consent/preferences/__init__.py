"""How customers want to be written to: preferred channel, frequency, language, quiet hours, a pause.

Owns ``preference`` (the latest word by aspect), ``preference_change`` (append-only, with evidence) and
``preference_centre`` (how the hosted page looks). Whatever a customer says comes in by `state_preferences`.
"""

from antiphon.awareness.consent.preferences.model import (
    FREQUENCIES,
    LANGUAGES,
    LONGEST_PAUSE,
    Aspect,
    RecordedPreferences,
    Said,
    Wish,
    link,
)
from antiphon.awareness.consent.preferences.service import current_preferences, state_preferences

__all__ = [
    "FREQUENCIES", "LANGUAGES", "LONGEST_PAUSE", "Aspect", "RecordedPreferences", "Said", "Wish", "current_preferences", "link",
    "state_preferences",
]  # fmt: skip
