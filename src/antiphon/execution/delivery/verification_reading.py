"""Reading verifications: one as it stands, or those that were asked for, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from antiphon.execution.delivery.errors import VerificationUnknown
from antiphon.execution.delivery.model import Content, State
from antiphon.execution.delivery.reasons import explain
from antiphon.execution.delivery.verification_model import Factor, Verification, VerificationState, covered
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("verifications.sql"))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A verification, as it is kept."""

    id: int
    key: str
    profile_id: int
    state: VerificationState
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    created_by: str
    language: str | None
    content: Content | None


class FactorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of one, with the latest hop of its latest sending."""

    verification_id: int
    factor: int
    channel: str
    fallback: str | None
    address: str | None
    digest: bytes
    seed: bytes | None
    length: int
    wrong: int
    most_wrong: int
    sendings: int
    most_sendings: int
    sent_at: datetime
    passed_at: datetime | None
    delivery_ids: list[int]
    delivery_id: int | None
    said_by: str | None
    said_to: str | None
    delivery_state: State | None
    reason: str | None
    said_at: datetime | None


async def read(conn: Connection, verification_id: int) -> Verification:
    """A verification as it stands. Raises VerificationUnknown."""
    async with conn.cursor(row_factory=struct_row(Row)) as cur:
        row = await (await cur.execute(SQL.read_verification, {"id": verification_id})).fetchone()
    if row is None:
        raise VerificationUnknown(verification=verification_id)
    return _whole(row, await factors_of(conn, [row.id]))


async def listed(
    conn: Connection, *, state: VerificationState | None, profile_ids: Sequence[int] | None, before: int | None, limit: int
) -> list[Verification]:
    """Verifications, newest first; ``before`` is the id to go on from."""
    params = {
        "state": state, "profile_ids": list(profile_ids) if profile_ids is not None else None, "before": before, "limit": limit,
    }  # fmt: skip
    async with conn.cursor(row_factory=struct_row(Row)) as cur:
        rows = await (await cur.execute(SQL.list_verifications, params)).fetchall()
    factors = await factors_of(conn, [row.id for row in rows]) if rows else []
    return [_whole(row, [factor for factor in factors if factor.verification_id == row.id]) for row in rows]


async def factors_of(conn: Connection, ids: Sequence[int]) -> list[FactorRow]:
    """The channels of verifications, in their order."""
    async with conn.cursor(row_factory=struct_row(FactorRow)) as cur:
        return await (await cur.execute(SQL.factors_of, {"ids": list(ids)})).fetchall()


def _whole(row: Row, factors: Sequence[FactorRow]) -> Verification:
    return Verification(
        id=row.id, key=row.key.removeprefix(f"{row.created_by}:"), profile_id=row.profile_id or None, state=row.state,
        created_at=row.created_at, expires_at=row.expires_at, ended_at=row.ended_at,
        factors=[_shown(factor) for factor in factors],
    )  # fmt: skip


def _shown(row: FactorRow) -> Factor:
    facts: Mapping[str, object] = {"address": covered(row.said_to), "channel": row.said_by, "detail": "", "attempts": ""}
    if row.said_at is not None:
        facts = {**facts, "sent_at": f"{row.said_at:%Y-%m-%d %H:%M} UTC"}
    return Factor(
        factor=row.factor, channel=row.channel, fallback=row.fallback, said_by=row.said_by, address=covered(row.said_to),
        passed=row.passed_at is not None, attempts_left=max(0, row.most_wrong - row.wrong),
        sendings_left=max(0, row.most_sendings - row.sendings), sent_at=row.sent_at, delivery_id=row.delivery_id,
        delivery_state=row.delivery_state,
        sentence=None if row.delivery_state is None else explain(row.delivery_state, row.reason, facts),
    )  # fmt: skip
