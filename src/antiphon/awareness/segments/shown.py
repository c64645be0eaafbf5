"""A segment as people see it, and what its routes take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar.params import Parameter

from antiphon.awareness.segments.model import Node
from antiphon.awareness.segments.store import Announce, Freshness, SegmentRow, State

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, msgspec.Meta(max_length=4000)]
PathId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class SegmentItem(msgspec.Struct, frozen=True, kw_only=True):
    """A segment. Its members are true for `evaluated_at`, `age_seconds` ago.

    `refreshing` until they are those of the present version. A `live` segment follows what customers do within seconds; a
    `periodic` one is worked out again and again, and `not_live` says why it is not live, where there is a reason.
    """

    id: int
    name: str
    description: str
    kind: Literal["rule", "static"]
    tree: Node | None
    version: int
    state: State
    announce: Announce
    size: int
    evaluated_at: datetime | None
    age_seconds: float | None
    refreshing: bool
    freshness: Freshness
    not_live: str | None
    took_ms: int | None
    failed: str | None
    created_at: datetime
    updated_at: datetime


def item(row: SegmentRow, now: datetime) -> SegmentItem:
    """The row as people see it."""
    age = None if row.evaluated_at is None else max(0.0, (now - row.evaluated_at).total_seconds())
    return SegmentItem(
        id=row.id, name=row.name, description=row.description, kind=row.kind, tree=row.tree, version=row.version,
        state=row.state, announce=row.announce, size=row.size, evaluated_at=row.evaluated_at, age_seconds=age,
        refreshing=row.kind == "rule" and row.evaluated_version != row.version, freshness=row.freshness,
        not_live=row.not_live, took_ms=row.took_ms, failed=row.failed, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip
