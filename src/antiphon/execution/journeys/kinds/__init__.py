"""Antiphon's own kinds of step, one file for each group, and `Kinds`, which finds all there are by their entry points.

Whoever writes a kind of their own may derive from `Plain` and `Settings`, take values by `Given`, and say findings by `error`.
"""

from antiphon.execution.journeys.kinds.base import Given, Plain, Settings, everybody, picked, read
from antiphon.execution.journeys.kinds.findings import SENTENCES
from antiphon.execution.journeys.kinds.registry import Kinds, StepKindUnknown

__all__ = ["SENTENCES", "Given", "Kinds", "Plain", "Settings", "StepKindUnknown", "everybody", "picked", "read"]
