"""Confidence that holds at every look: an asymptotic confidence sequence by Robbins' normal mixture.

After n people, an estimate with variance V is within `half_width` of the truth at all n at once with probability 1 - alpha:

    sqrt(V) * sqrt((n r + 1) / (n r) * ln((n r + 1) / alpha^2)),   r = rho^2

(I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 52, 2024, theorem 2.2; H. Robbins, Ann. Math. Statist. 41, 1970.) It is the mixture sequential
probability ratio test turned round (R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always valid inference", Operations Research
70, 2022): the test's likelihood ratio passes 1 / alpha exactly when the sequence leaves out zero. `rho` says where the sequence
is narrowest; it must be chosen before looking.
"""

from __future__ import annotations

from math import exp, log, sqrt

DEFAULT_PLANNED = 10_000
"""People for whom a sequence is narrowest when nobody said how many are planned."""
FEWEST = 100
"""People of an arm before anything is said: a sequence holds from a start on that is not too small."""


def tuned_for(people: int, alpha: float) -> float:
    """The rho squared with which the sequence is about narrowest at so many people (Waudby-Smith et al., appendix B.2)."""
    loose = -2 * log(alpha)
    return (loose + log(loose + 1)) / people


def half_width(variance: float, people: int, alpha: float, rho2: float) -> float:
    """Half the width of the sequence after so many people, for an estimate with this variance."""
    grown = people * rho2 + 1
    return sqrt(variance * grown / (people * rho2) * log(grown / (alpha * alpha)))


def sequential_p(estimate: float, variance: float, people: int, rho2: float) -> float:
    """The always-valid p-value at this look: one over the mixture's likelihood ratio of `estimate` against zero, at most 1."""
    if variance <= 0:
        return 1.0
    nr = people * rho2
    evidence = 0.5 * estimate * estimate / variance * nr / (nr + 1) - 0.5 * log(nr + 1)
    return min(1.0, exp(-min(evidence, 700.0)))
