"""The statistics of experiments: from moments of two arms to intervals, alarms and sizes. Pure, and of any unit.

`moments` says what is known of an arm; `comparing` puts two arms beside each other; `strata` compares people with their like;
`sequences` holds intervals that may be looked at as often as one likes; `ratios` watches whether people came into the arms as
they should; `sizing` says how many people a difference needs.
"""

from antiphon.decisioning.experiments.statistics.comparing import Estimate, Interval, compare, interval_of, theta_of
from antiphon.decisioning.experiments.statistics.moments import Moments
from antiphon.decisioning.experiments.statistics.ratios import RatioCheck, check_ratio
from antiphon.decisioning.experiments.statistics.sequences import half_width, sequential_p, tuned_for
from antiphon.decisioning.experiments.statistics.sizing import SizePlan, size_of_means, size_of_shares
from antiphon.decisioning.experiments.statistics.strata import Stratum, combined, post_stratified, usable, widened

__all__ = [
    "Estimate",
    "Interval",
    "Moments",
    "RatioCheck",
    "SizePlan",
    "Stratum",
    "check_ratio",
    "combined",
    "compare",
    "half_width",
    "interval_of",
    "post_stratified",
    "sequential_p",
    "size_of_means",
    "size_of_shares",
    "theta_of",
    "tuned_for",
    "usable",
    "widened",
]  # fmt: skip
