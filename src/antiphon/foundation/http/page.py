"""Lists that are read a page at a time: an opaque cursor names the place to go on from."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import Parameter

from antiphon.foundation.errors import Invalid

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page: the items, the cursor of the next page if there is one, and the whole count where it is cheap."""

    items: list[T]
    next: str | None = None
    total: int | None = None


Limit = Annotated[int, Parameter(ge=1, le=500, description="How many items at most")]
"""Use as `limit: Limit = 50`."""

Cursor = Annotated[str | None, Parameter(max_length=2000, description="`next` of the page before")]
"""Use as `cursor: Cursor = None`."""


class InvalidCursor(Invalid):
    """That cursor is not one of ours; start again without it."""


def encode_cursor(*parts: int | str | float | None) -> str:
    """The place after the row with these sort keys."""
    return urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> tuple[int | str | float | None, ...] | None:
    """The sort keys in `cursor`, each of the type given; None without a cursor. Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        parts = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidCursor(field="cursor") from error
    if not isinstance(parts, list) or len(parts) != len(types):
        raise InvalidCursor(field="cursor")
    for part, expected in zip(parts, types, strict=True):
        if not isinstance(part, expected) or isinstance(part, bool):
            raise InvalidCursor(field="cursor")
        if isinstance(part, int) and not -(2**63) <= part < 2**63:
            raise InvalidCursor(field="cursor")
    return tuple(parts)
