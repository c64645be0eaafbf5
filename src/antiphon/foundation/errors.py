"""Every failure Antiphon names. One class a failure: a stable code, whether it is permanent, its docstring the message.

The kinds below say what sort of failure it is; `foundation.http.problems` maps kinds to HTTP statuses in one place.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar


class AntiphonError(Exception):
    """Something went wrong in Antiphon."""

    code: ClassVar[str] = "error"
    permanent: ClassVar[bool] = True

    def __init__(self, detail: str | None = None, *, field: str | None = None, **facts: Any) -> None:
        self.field = field
        self.facts = facts
        self.quoted = detail is not None
        self.detail = detail if detail is not None else self.message(facts)
        super().__init__(self.detail)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def message(cls, facts: dict[str, Any]) -> str:
        """The docstring, with {facts} filled in."""
        text = " ".join((cls.__doc__ or cls.__name__).split())
        try:
            return text.format(**facts)
        except (KeyError, IndexError):
            return text


class Invalid(AntiphonError):
    """The input breaks a rule."""


class NotAuthenticated(AntiphonError):
    """Sign in first."""


class Forbidden(AntiphonError):
    """You do not have the permission this needs."""


class NotFound(AntiphonError):
    """There is no such thing."""


class Conflict(AntiphonError):
    """This contradicts the present state."""


class TooLarge(AntiphonError):
    """This is larger than the limit."""


class TooMany(AntiphonError):
    """Too many requests; wait a little."""

    permanent = False

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0, **more: Any) -> None:
        super().__init__(detail, **more)
        self.retry_after = retry_after


class Overloaded(AntiphonError):
    """More is waiting than can be taken now; try again."""

    permanent = False

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0, **more: Any) -> None:
        super().__init__(detail, **more)
        self.retry_after = retry_after


class Unavailable(AntiphonError):
    """A part this needs cannot be reached now; try again."""

    permanent = False


class BadSettings(AntiphonError):
    """A setting is wrong."""


KINDS: tuple[type[AntiphonError], ...] = (
    Invalid, NotAuthenticated, Forbidden, NotFound, Conflict, TooLarge, TooMany, Overloaded, Unavailable, BadSettings,
)
