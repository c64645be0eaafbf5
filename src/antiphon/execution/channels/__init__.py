"""The ways of speaking to a customer, and the accounts they speak through.

Owns the table ``channel_account`` and the channel contract (`Channel`), which built-in channels and packages of others
implement alike and register in the entry-point group ``antiphon.channels``. `Channels` is the process's open registry:
``ctx.get(Channels)["smtp"]`` speaks e-mail through a server, ``await ctx.get(Channels).account(conn, id)`` an account of one.
"""

from antiphon.execution.channels.errors import (
    AccountUnknown,
    CallbackForged,
    CallbackNeeds,
    ChannelUnknown,
    LinkMissing,
    ProviderUnknown,
    TextTooLong,
    Unsuitable,
)
from antiphon.execution.channels.model import (
    Account,
    AccountSettings,
    Answering,
    Callback,
    Capabilities,
    Channel,
    Hear,
    Listening,
    Manifest,
    Measuring,
    Message,
    Outcome,
    Receipt,
    Rendered,
    Signal,
    SignalKind,
    Size,
    Speaking,
    Trial,
    Wire,
)
from antiphon.execution.channels.registry import ENTRY_POINTS, SANDBOX, Channels

__all__ = [
    "ENTRY_POINTS",
    "SANDBOX",
    "Account",
    "AccountSettings",
    "AccountUnknown",
    "Answering",
    "Callback",
    "CallbackForged",
    "CallbackNeeds",
    "Capabilities",
    "Channel",
    "ChannelUnknown",
    "Channels",
    "Hear",
    "LinkMissing",
    "Listening",
    "Manifest",
    "Measuring",
    "Message",
    "Outcome",
    "ProviderUnknown",
    "Receipt",
    "Rendered",
    "Signal",
    "SignalKind",
    "Size",
    "Speaking",
    "TextTooLong",
    "Trial",
    "Unsuitable",
    "Wire",
]
