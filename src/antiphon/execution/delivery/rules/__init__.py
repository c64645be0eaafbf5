"""The rules of the gate that people set: which channels suit which purpose, quiet hours and send windows, frequency caps.

Owns ``delivery_rule``, ``purpose``, ``suitability``, ``frequency_cap``, ``delivery_path``; `Rules` is what of them the gate
reads.
"""

from antiphon.execution.delivery.rules.model import (
    CAPPED,
    Cap,
    CapExists,
    CapUnknown,
    Kind,
    Purpose,
    PurposeUnknown,
    Rules,
    Suitability,
    SuitabilityVerdict,
    urgency,
)
from antiphon.execution.delivery.rules.store import Rulebook, current_rules

__all__ = [
    "CAPPED", "Cap", "CapExists", "CapUnknown", "Kind", "Purpose", "PurposeUnknown", "Rulebook", "Rules", "Suitability",
    "SuitabilityVerdict", "current_rules", "urgency",
]  # fmt: skip
