"""The suite, put together."""

from __future__ import annotations

from antiphon.execution.channels.contract.callbacks import Callbacks
from antiphon.execution.channels.contract.sending import Sending
from antiphon.execution.channels.contract.settings import EachSetting
from antiphon.execution.channels.contract.writing import Writing


class ChannelContract(Writing, Sending, Callbacks, EachSetting):
    """Subclass it as ``Test…``, give it `channel` and `emulator` (and `callbacks`, `probes`, `exempt`, …), and run pytest."""
