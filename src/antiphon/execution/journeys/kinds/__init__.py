"""Antiphon's own kinds of step, one file for each group, and `Kinds`, which finds all there are by their entry points."""

from antiphon.execution.journeys.kinds.registry import Kinds, StepKindUnknown

__all__ = ["Kinds", "StepKindUnknown"]
