"""Reading what providers of e-mail tell us: strangers' JSON, its age and its secrets."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from antiphon.execution.channels.email.address import one_line
from antiphon.execution.channels.errors import CallbackForged
from antiphon.execution.channels.model import Callback

TOKEN = "antiphon_token"  # noqa: S105  the name our word has in a provider's metadata
EARLY = timedelta(minutes=10)  # by which another's clock may be ahead


def same(given: str, expected: str) -> bool:
    """Compare without telling how far they agree. An empty expectation agrees with nothing."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def check_age(callback: Callback, at: datetime, oldest: timedelta) -> None:
    """Refuse what is replayed. Raises `CallbackForged`."""
    now = callback.now or datetime.now(UTC)
    if at < now - oldest or at > now + EARLY:
        raise CallbackForged(cause="replayed")


def text_of(value: Any, most: int = 500) -> str:
    """A field of a stranger's JSON as one line of text."""
    return one_line(value)[:most] if isinstance(value, str) else str(value)[:most] if isinstance(value, int | float) else ""


def fields(value: Any) -> Mapping[str, Any]:
    """An object of a stranger's JSON; empty if it is none."""
    return value if isinstance(value, dict) else {}


def epoch(value: Any) -> datetime | None:
    """Seconds since 1970 as an instant; None if it is nothing of the kind."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def instant(value: Any) -> datetime | None:
    """An RFC 3339 time as an instant; None if it is nothing of the kind."""
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
