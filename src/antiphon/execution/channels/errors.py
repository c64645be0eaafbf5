"""What can go wrong with channels and their accounts."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class ChannelUnknown(NotFound):
    """There is no channel {channel}."""

    code = "channel-unknown"


class AccountUnknown(NotFound):
    """There is no channel account {account}."""

    code = "channel-account-unknown"


class AccountNameTaken(Conflict):
    """This channel already has an account named {name}."""

    code = "channel-account-name-taken"


class AccountInUse(Conflict):
    """Messages refer to this account; switch it off instead of deleting it."""

    code = "channel-account-in-use"


class SettingsInvalid(Invalid):
    """The settings do not fit this channel."""

    code = "channel-settings-invalid"


class SecretsUnreadable(Unavailable):
    """An account's secrets cannot be decrypted with this installation's secret key. Enter them again."""

    code = "channel-secrets-unreadable"
    permanent = True


class Unsuitable(Invalid):
    """This message cannot be carried by this channel."""

    code = "channel-unsuitable"


class TextTooLong(Unsuitable):
    """The text needs {parts} parts and its author allowed one."""

    code = "channel-too-long"


class LinkMissing(Unsuitable):
    """A message on this channel needs a link."""

    code = "channel-link-missing"


class ProviderUnknown(NotFound):
    """The channel {channel} has no provider {provider}."""

    code = "channel-provider-unknown"


class CallbackForged(Forbidden):
    """The callback's signature is missing, wrong or too old."""

    code = "callback-forged"


class DkimUnsupported(Conflict):
    """Accounts of the provider {provider} sign with keys of the provider's own."""

    code = "dkim-unsupported"


class DkimKeyInUse(Conflict):
    """Mail is signed with this key. Make the other one, or switch signing off first."""

    code = "dkim-key-in-use"


class CallbackNeeds(Exception):
    """Reading a callback takes a public document at ``url`` (https, small, may be kept for long): get it, without following
    redirects, put it into `Callback.fetched` and ask again. If it cannot be had, the callback is to be refused for now."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
