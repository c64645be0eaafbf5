"""What is known of the people of one arm in one metric: their number, and first and second moments of what was measured."""

from __future__ import annotations

from math import sqrt

import msgspec


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """`people` who count, the mean and variance of their values `y`, of the same before exposure `x`, and of the denominators `d`
    of a metric that is a ratio of two sums; variances and covariances are the sample's, with n - 1."""

    people: int
    mean: float = 0.0
    variance: float = 0.0
    before: float = 0.0
    before_variance: float = 0.0
    covariance: float = 0.0
    under: float = 1.0
    under_variance: float = 0.0
    under_covariance: float = 0.0

    @property
    def value(self) -> float:
        """The metric's value: the mean, or the ratio of two means."""
        return self.mean / self.under if self.under else 0.0

    @property
    def unit_variance(self) -> float:
        """The variance one person brings to `value`: that of y, or the delta method's for a ratio.

        Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018, section 2.3.
        """
        if not self.under:
            return 0.0
        r = self.value
        return max(0.0, self.variance - 2 * r * self.under_covariance + r * r * self.under_variance) / (self.under * self.under)

    def adjusted_variance(self, theta: float) -> float:
        """The variance one person brings to y - theta x."""
        return max(0.0, self.variance - 2 * theta * self.covariance + theta * theta * self.before_variance)

    @property
    def correlation(self) -> float:
        """How much what was before tells of what came after, from -1 to 1."""
        both = self.variance * self.before_variance
        return self.covariance / sqrt(both) if both > 0 else 0.0
