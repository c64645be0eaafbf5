"""Who is in which group: stable keyed assignment, and holdouts of people who are not written to.

Owns ``holdout``. Which group somebody is in is never stored: it is a keyed hash of the experiment's name, its salt and the
person's id, the same for a million people at once as for one, on every machine, for ever. The universal holdout is kept
out of all marketing; delivery's gate asks for it. A campaign's own holdout is `held_out` under the campaign's key.
"""

from antiphon.decisioning.experiments.model import (
    UNIVERSAL,
    Holdout,
    HoldoutUnknown,
    Period,
    arm_of,
    arms_of,
    fraction_of,
    fractions_of,
    held_out,
    is_held_out,
    salt_of,
)
from antiphon.decisioning.experiments.store import find_holdout, universal_holdout

__all__ = [
    "UNIVERSAL", "Holdout", "HoldoutUnknown", "Period", "arm_of", "arms_of", "find_holdout", "fraction_of", "fractions_of",
    "held_out", "is_held_out", "salt_of", "universal_holdout",
]  # fmt: skip
