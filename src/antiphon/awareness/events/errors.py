"""What can go wrong with events."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Invalid, NotAuthenticated, NotFound, Overloaded, TooLarge, Unavailable


class WriteKeyUnknown(NotAuthenticated):
    """Send a write key that is in force: as the Basic user name, or as `writeKey` in the body."""


class MalformedCall(Invalid):
    """The body is not a JSON object in UTF-8."""


class InvalidCall(Invalid):
    """The call breaks a rule of the spec."""


class EventTooLarge(TooLarge):
    """An event may be 32 KB."""


class BatchTooLarge(TooLarge):
    """A batch may be 500 KB."""


class MethodNotPost(Invalid):
    """Send calls with POST."""


class JournalFull(Overloaded):
    """More is waiting to be made durable than this process keeps; try again in a moment."""


class JournalDown(Unavailable):
    """The journal cannot be written now; send it again."""


class NoSuchReject(NotFound):
    """There is no such reject, or it was replayed already."""


class NoSuchSource(NotFound):
    """There is no such source."""


class SourceNameTaken(Conflict):
    """Another source has that name."""
