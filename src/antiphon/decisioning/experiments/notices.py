"""What experiments tell the rooms above."""

from __future__ import annotations

from antiphon.foundation.notices import Notice


class ExperimentAlarmed(Notice, frozen=True):
    """Somebody should look at an experiment: its arms have the wrong sizes (`ratio`), or an arm harms a guardrail."""

    experiment_id: int
    name: str
    kind: str
    metric: str | None
    arm: str | None
