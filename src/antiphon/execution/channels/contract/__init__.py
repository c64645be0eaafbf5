"""The contract suite: what every provider of a channel is tested by, built in or somebody's package.

Owns no tables. A package subclasses `ChannelContract` in its tests, gives it the provider and an emulator of the other side,
and runs it with pytest (see docs/channels.md). Nothing but tests imports this.
"""

import pytest

pytest.register_assert_rewrite(
    "antiphon.execution.channels.contract.callbacks",
    "antiphon.execution.channels.contract.sending",
    "antiphon.execution.channels.contract.settings",
    "antiphon.execution.channels.contract.writing",
)

from antiphon.execution.channels.contract.rig import Emulator, Fault, Genuine, Probe, Taken  # noqa: E402
from antiphon.execution.channels.contract.suite import ChannelContract  # noqa: E402

__all__ = ["ChannelContract", "Emulator", "Fault", "Genuine", "Probe", "Taken"]
