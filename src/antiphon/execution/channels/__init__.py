"""The ways of speaking to a customer, and the accounts they speak through.

Owns the table ``channel_account`` and the channel contract (`Channel`), which built-in channels and packages of others
implement alike and register in the entry-point group ``antiphon.channels``. `Channels` is the process's open registry:
``ctx.get(Channels)["email"]`` is the e-mail channel, ``await ctx.get(Channels).account(conn, id)`` an account of one.
"""

from antiphon.execution.channels.errors import (
    AccountUnknown,
    ChannelUnknown,
    Unsuitable,
)
from antiphon.execution.channels.model import (
    Account,
    Callback,
    Capabilities,
    Channel,
    Manifest,
    Message,
    Outcome,
    Receipt,
    Rendered,
    Signal,
    SignalKind,
    Speaking,
    Trial,
    Wire,
)
from antiphon.execution.channels.registry import Channels

__all__ = [
    "Account",
    "AccountUnknown",
    "Callback",
    "Capabilities",
    "Channel",
    "ChannelUnknown",
    "Channels",
    "Manifest",
    "Message",
    "Outcome",
    "Receipt",
    "Rendered",
    "Signal",
    "SignalKind",
    "Speaking",
    "Trial",
    "Unsuitable",
    "Wire",
]
