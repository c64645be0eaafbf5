"""Whether people came into the arms as they should: an experiment whose arms have the wrong sizes measures something else."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import msgspec

from antiphon.decisioning.experiments.statistics.special import chi_square_tail, log_gamma

THRESHOLD = 0.001
CONCENTRATION = 1000.0
"""How closely the mismatches looked for lie around the weights: for halves, within about a percent or two."""


class RatioCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes beside what was meant. `p` is Pearson's chi-square at this look; `sequential_p` holds however often one looks, and is
    what the alarm goes by."""

    expected: list[float]
    found: list[int]
    chi_square: float
    p: float
    sequential_p: float
    alarm: bool


def check_ratio(found: Sequence[int], weights: Sequence[float], *, concentration: float = CONCENTRATION) -> RatioCheck:
    """Compare arms' sizes with their weights.

    The sequential p-value is one over the Bayes factor of a Dirichlet-multinomial around the weights against them exactly, a
    martingale while the weights are true, so that by Ville's inequality it ever falls under 0.001 with probability 0.001 at most
    (M. Lindon, A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, equation 5).
    """
    total, whole = sum(found), sum(weights)
    parts = [one / whole for one in weights]
    expected = [total * part for part in parts]
    if total == 0:
        return RatioCheck(expected=expected, found=list(found), chi_square=0.0, p=1.0, sequential_p=1.0, alarm=False)
    chi = sum((n - e) ** 2 / e for n, e in zip(found, expected, strict=True))
    scale = concentration / min(parts)
    prior = [part * scale for part in parts]
    factor = log_gamma(sum(prior)) - log_gamma(sum(prior) + total)
    for n, a, part in zip(found, prior, parts, strict=True):
        factor += log_gamma(a + n) - log_gamma(a) - n * log(part)
    at_any_time = min(1.0, exp(-max(min(factor, 700.0), -700.0)))
    return RatioCheck(
        expected=expected, found=list(found), chi_square=chi, p=chi_square_tail(len(parts) - 1, chi), sequential_p=at_any_time,
        alarm=at_any_time < THRESHOLD,
    )  # fmt: skip
