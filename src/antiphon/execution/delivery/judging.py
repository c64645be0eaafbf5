"""The gate's judgement for who sends nothing, public as a whole: its facts, its rules, what it decides."""

from antiphon.execution.delivery.budgets import Budget, enabled
from antiphon.execution.delivery.gate.deciding import look_at
from antiphon.execution.delivery.gate.judge import Judged, cuts, judge, own_hours, reach_of, room_in
from antiphon.execution.delivery.gate.look import Contacts, Facts
from antiphon.execution.delivery.heard import spoken
from antiphon.execution.delivery.rules.model import CAPPED, OWN_FREQUENCY, Kind, Rules, kind_like
from antiphon.execution.delivery.rules.store import current_rules

__all__ = [
    "CAPPED", "OWN_FREQUENCY", "Budget", "Contacts", "Facts", "Judged", "Kind", "Rules", "current_rules", "cuts", "enabled",
    "judge", "kind_like", "look_at", "own_hours", "reach_of", "room_in", "spoken",
]  # fmt: skip
