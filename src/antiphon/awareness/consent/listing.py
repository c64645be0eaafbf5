"""A list of addresses somebody brings, read line by line. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeGuard, get_args

import msgspec

from antiphon.awareness.consent.model import ChannelRegistry, Suppressed, SuppressionReason, listed_address
from antiphon.awareness.profiles import EMAIL
from antiphon.foundation.errors import Invalid, TooLarge

MOST_BYTES = 10_000_000
MOST_LINES = 100_000
SHOWN = 100
"""Of the lines that could not be read so many are told."""
_REASONS: frozenset[SuppressionReason] = frozenset(get_args(SuppressionReason))
_HEADS = {"e-mail": "address", "email": "address", "phone": "address", "mail": "address", "expires": "expires_at"}


class NotAList(Invalid):
    """This file is not a list of addresses as UTF-8 text."""

    code = "not-a-list"


class ListTooLong(TooLarge):
    """A list has at most 100000 lines; bring it in parts."""

    code = "list-too-long"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read, and why. Lines count from 1, the head included."""

    line: int
    why: str


class ReadList(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, and what was not."""

    entries: list[Suppressed]
    refused: int
    why: list[Refused]


def read_list(body: bytes, registry: ChannelRegistry, channel: str, *, source: str, now: datetime) -> ReadList:
    """A CSV file's addresses. Raises NotAList, ListTooLong, ChannelUnknown for the channel given."""
    registry[channel]
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as failed:
        raise NotAList from failed
    if "\0" in text or not text.strip():
        raise NotAList
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as failed:
        raise NotAList(f"This file is no CSV: {failed}") from failed
    if len(rows) > MOST_LINES:
        raise ListTooLong
    names = [_HEADS.get(cell.strip().lower(), cell.strip().lower()) for cell in rows[0]]
    head = "address" in names
    names = names if head else ["address"]
    entries: list[Suppressed] = []
    refused: list[Refused] = []
    for number, row in enumerate(rows[1:] if head else rows, 2 if head else 1):
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
        if not any(cells.values()):
            continue
        found = _read_line(cells, registry, channel, source, now)
        if isinstance(found, str):
            refused.append(Refused(line=number, why=found))
        else:
            entries.append(found)
    return ReadList(entries=entries, refused=len(refused), why=refused[:SHOWN])


def _is_reason(word: str) -> TypeGuard[SuppressionReason]:
    return word in _REASONS


def _read_line(cells: Mapping[str, str], registry: ChannelRegistry, channel: str, source: str, now: datetime) -> Suppressed | str:
    """The entry, or why there is none."""
    address = cells.get("address", "").removeprefix("'")  # what our own export puts before a sign
    name = cells.get("channel") or channel
    reason = cells.get("reason") or "manual"
    if not address or len(address) > 400:
        return "There is no address"
    if name not in registry:
        return f"There is no channel named {name[:40]}"
    if not _is_reason(reason):
        return "The reason is one of " + ", ".join(sorted(_REASONS))
    kind = registry[name]
    normal = listed_address(kind.identity, address)
    if normal is None:
        return "This is no e-mail address" if kind.identity == EMAIL else f"This is no address of the channel {name[:40]}"
    expires = None
    if cells.get("expires_at"):
        try:
            expires = datetime.fromisoformat(cells["expires_at"])
        except ValueError:
            return "Expected an instant as 2026-06-01T00:00:00Z in expires_at"
        expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
    return Suppressed(
        channel=name, address=normal, reason=reason, source=source, at=now, expires_at=expires,
        note=cells.get("note", "")[:400],
    )  # fmt: skip
