"""Everything that can go wrong at the door."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Forbidden, Invalid, NotAuthenticated, NotFound, TooMany


class WrongCredentials(NotAuthenticated):
    """The e-mail address or the password is wrong."""


class SecondFactorNeeded(NotAuthenticated):
    """Enter the code of your authenticator app, or a recovery code."""


class SecondFactorWrong(NotAuthenticated):
    """That code is wrong or was used before."""


class WrongPassword(Invalid):
    """That is not your present password."""


class WrongCode(Invalid):
    """That code is wrong; check the clock of the device that shows it."""


class TooManyAttempts(TooMany):
    """Too many attempts to sign in; wait a few minutes."""


class CrossSite(Forbidden):
    """The request comes from another site, or without its CSRF token."""


class PersonOnly(Forbidden):
    """Only a signed-in person can do this, not a key."""


class OwnerOnly(Forbidden):
    """Only an owner can make or change an owner."""


class BeyondOwnPermissions(Forbidden):
    """A key cannot be given a permission its maker does not have: {permission}."""


class InvalidEmail(Invalid):
    """That is not an e-mail address."""


class WeakPassword(Invalid):
    """That password is too easily guessed."""


class UnknownPermission(Invalid):
    """There is no permission named {permission}."""


class KeyNeedsScope(Invalid):
    """An API key needs at least one permission; a write key needs none, its only one is to write events."""


class EmailTaken(Conflict):
    """Somebody has that e-mail address already."""


class LastOwner(Conflict):
    """This is the last owner; make somebody else an owner first."""


class SecondFactorOn(Conflict):
    """A second factor is on already; switch it off first."""


class SecondFactorOff(Conflict):
    """No second factor waits to be confirmed."""


class NoSuchPerson(NotFound):
    """There is no such person."""


class NoSuchKey(NotFound):
    """There is no such key."""


class InvitationGone(NotFound):
    """That link is spent or has expired; ask an owner for a new one."""
