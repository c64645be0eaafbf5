"""How instants and days are read, so that the lake's answer and Python's are the same."""

from datetime import UTC, date, datetime


def instant(value: str | datetime) -> datetime:
    """Return an instant in UTC from RFC 3339 text or a datetime. Raises ValueError without an offset."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if at.tzinfo is None:
        raise ValueError("an instant needs its offset from UTC")
    return at.astimezone(UTC)


def day(value: str | date) -> date:
    """Return a calendar date from ISO text or a date."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date()
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value
