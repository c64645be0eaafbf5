"""The contract suite: what every kind of step is tested by, built in or somebody's package.

Owns no tables. A package subclasses `StepContract` in its tests, gives it the kind and settings of it, and runs it with pytest
(see docs/steps.md). `Stage` is a world of dictionaries that writes down what steps do to it. Nothing but tests imports this.
"""

import pytest

pytest.register_assert_rewrite("antiphon.execution.journeys.suite.contract")

from antiphon.execution.journeys.suite.contract import StepContract  # noqa: E402
from antiphon.execution.journeys.suite.stage import Done, Stage, Town  # noqa: E402

__all__ = ["Done", "Stage", "StepContract", "Town"]
