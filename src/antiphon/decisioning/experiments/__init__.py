"""Experiments: what is tried on whom and what it does, and holdouts of people who are not written to.

Owns ``holdout``, ``experiment``, ``experiment_layer``, ``experiment_slot``, ``experiment_deal``, ``experiment_exposure``,
``experiment_result`` and ``experiment_course``. Which group somebody is in is a keyed hash of a name, a salt and the person's
id, the same for a million people at once as for one, on every machine, for ever; what an experiment with strata dealt when it
started is kept.

Public, for whoever leads people to a branch: `find_running` (an experiment that runs, or has a winner, by its key, as an
`Assignment`), `Assignment.assign` (arms of an array of ids, `OUTSIDE` for those who do not take part) and `expose` (the same,
and write down who was shown what); and the notice ExperimentAlarmed. The universal holdout is kept out of all marketing;
delivery's gate asks for it. A campaign's own holdout is `held_out` under the campaign's key. Who counts people in arms of their
own hands the moments to `make_results`: the statistics are here alone.
"""

from antiphon.decisioning.experiments.assigning import OUTSIDE, Assignment
from antiphon.decisioning.experiments.design import Arm, Design
from antiphon.decisioning.experiments.exposing import expose, find_assignment, find_running, kept_arms
from antiphon.decisioning.experiments.measuring import Counted
from antiphon.decisioning.experiments.metrics import ConversionMetric, SumMetric
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
from antiphon.decisioning.experiments.notices import ExperimentAlarmed
from antiphon.decisioning.experiments.results import ExperimentResults, MetricResult, make_results
from antiphon.decisioning.experiments.statistics import Moments
from antiphon.decisioning.experiments.statistics.special import student_quantile
from antiphon.decisioning.experiments.store import find_holdout, universal_holdout

__all__ = [
    "OUTSIDE", "UNIVERSAL", "Arm", "Assignment", "ConversionMetric", "Counted", "Design", "ExperimentAlarmed",
    "ExperimentResults", "Holdout", "HoldoutUnknown", "MetricResult", "Moments", "Period", "SumMetric", "arm_of", "arms_of",
    "expose", "find_assignment", "find_holdout", "find_running", "fraction_of", "fractions_of", "held_out", "is_held_out",
    "kept_arms", "make_results", "salt_of", "student_quantile", "universal_holdout",
]  # fmt: skip
