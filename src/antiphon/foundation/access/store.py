"""The only code that runs the room's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from antiphon.foundation.access.model import AuditEntry, Credentials, Key, KeyKind, Person, Session, SignedIn
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.principal import Principal, Role

SQL = load_queries(Path(__file__).with_name("queries.sql"))
T = TypeVar("T")


class FoundToken(msgspec.Struct, frozen=True, kw_only=True):
    """A key in force, with the present role of the person who made it."""

    id: int
    name: str
    kind: KeyKind
    permissions: list[str]
    source_id: int | None
    maker: Role | None


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts of one account or address within the window, which ends in `wait` seconds."""

    subject: str
    attempts: int
    wait: float


async def _all(conn: Connection, struct: type[T], query: str, params: dict[str, Any]) -> list[T]:
    async with conn.cursor(row_factory=struct_row(struct)) as cursor:
        await cursor.execute(SQL[query], params)
        return await cursor.fetchall()


async def _one(conn: Connection, struct: type[T], query: str, params: dict[str, Any]) -> T | None:
    async with conn.cursor(row_factory=struct_row(struct)) as cursor:
        await cursor.execute(SQL[query], params)
        return await cursor.fetchone()


async def _value(conn: Connection, query: str, params: dict[str, Any]) -> Any:
    row = await (await conn.execute(SQL[query], params)).fetchone()
    return None if row is None else row[0]


async def add_person(conn: Connection, email: str, name: str, role: Role, password_hash: str | None) -> int:
    params = {"email": email, "name": name, "role": role, "password_hash": password_hash}
    return int(await _value(conn, "add_person", params))


async def find_person(conn: Connection, person_id: int) -> Person | None:
    return await _one(conn, Person, "find_person", {"id": person_id})


async def list_people(conn: Connection) -> list[Person]:
    return await _all(conn, Person, "list_people", {})


async def find_credentials(conn: Connection, email: str) -> Credentials | None:
    return await _one(conn, Credentials, "find_credentials", {"email": email})


async def lock_credentials(conn: Connection, person_id: int) -> Credentials | None:
    return await _one(conn, Credentials, "lock_credentials", {"id": person_id})


async def change_person(conn: Connection, person_id: int, name: str, role: Role, disabled: bool) -> None:
    await conn.execute(SQL.change_person, {"id": person_id, "name": name, "role": role, "disabled": disabled})


async def change_preferences(conn: Connection, person_id: int, name: str, locale: str, theme: str) -> None:
    await conn.execute(SQL.change_preferences, {"id": person_id, "name": name, "locale": locale, "theme": theme})


async def lock_owners(conn: Connection) -> list[int]:
    return [row[0] for row in await (await conn.execute(SQL.lock_owners)).fetchall()]


async def set_password(conn: Connection, person_id: int, password_hash: str) -> None:
    await conn.execute(SQL.set_password, {"id": person_id, "password_hash": password_hash})


async def note_sign_in(conn: Connection, person_id: int, step: int) -> bool:
    """False if a code of this step, or a later one, was used before."""
    return await _value(conn, "note_sign_in", {"id": person_id, "step": step}) is not None


async def spend_recovery(conn: Connection, person_id: int, code_hash: bytes) -> bool:
    return await _value(conn, "spend_recovery", {"id": person_id, "hash": code_hash}) is not None


async def set_totp(
    conn: Connection, person_id: int, secret: bytes | None, confirmed: bool, recovery: Sequence[bytes], step: int = 0
) -> None:
    params = {"id": person_id, "secret": secret, "confirmed": confirmed, "recovery": list(recovery), "step": step}
    await conn.execute(SQL.set_totp, params)


async def open_session(
    conn: Connection, token_hash: bytes, person_id: int, absolute: timedelta, address: str, agent: str
) -> None:
    params = {"hash": token_hash, "person": person_id, "absolute": absolute, "address": address, "agent": agent}
    await conn.execute(SQL.open_session, params)


async def find_session(conn: Connection, token_hash: bytes, idle: timedelta) -> SignedIn | None:
    return await _one(conn, SignedIn, "find_session", {"hash": token_hash, "idle": idle})


async def touch_session(conn: Connection, token_hash: bytes) -> None:
    await conn.execute(SQL.touch_session, {"hash": token_hash})


async def close_session(conn: Connection, token_hash: bytes) -> None:
    await conn.execute(SQL.close_session, {"hash": token_hash})


async def close_sessions(conn: Connection, person_id: int, but: bytes | None = None) -> None:
    await conn.execute(SQL.close_sessions, {"person": person_id, "but": but})


async def list_sessions(conn: Connection, person_id: int, current: bytes | None, idle: timedelta) -> list[Session]:
    return await _all(conn, Session, "list_sessions", {"person": person_id, "current": current, "idle": idle})


async def sweep(conn: Connection, idle: timedelta) -> None:
    await conn.execute(SQL.sweep, {"idle": idle})


async def count_attempt(conn: Connection, subjects: Sequence[str], window: timedelta) -> list[Attempts]:
    return await _all(conn, Attempts, "count_attempt", {"subjects": list(subjects), "window": window})


async def forget_attempts(conn: Connection, account: str, address: str) -> None:
    await conn.execute(SQL.forget_attempts, {"account": account, "address": address})


async def add_invitation(conn: Connection, person_id: int, purpose: str, term: timedelta) -> int:
    return int(await _value(conn, "add_invitation", {"person": person_id, "purpose": purpose, "term": term}))


async def use_invitation(conn: Connection, invitation_id: int) -> tuple[int, str] | None:
    """The person and their address; None when the link is spent or expired."""
    row = await (await conn.execute(SQL.use_invitation, {"id": invitation_id})).fetchone()
    return None if row is None else (row[0], row[1])


async def add_key(
    conn: Connection, *, name: str, kind: KeyKind, hint: str, token_hash: bytes, permissions: Sequence[str],
    source_id: int | None, created_by: int | None, made_with: int | None, expires_at: datetime | None,
) -> int:  # fmt: skip
    params = {
        "name": name, "kind": kind, "hint": hint, "hash": token_hash, "permissions": list(permissions),
        "source_id": source_id, "created_by": created_by, "made_with": made_with, "expires_at": expires_at,
    }  # fmt: skip
    return int(await _value(conn, "add_key", params))


async def find_key(conn: Connection, key_id: int) -> Key | None:
    return await _one(conn, Key, "find_key", {"id": key_id})


async def list_keys(conn: Connection) -> list[Key]:
    return await _all(conn, Key, "list_keys", {})


async def find_token(conn: Connection, token_hash: bytes) -> FoundToken | None:
    return await _one(conn, FoundToken, "find_token", {"hash": token_hash})


async def touch_keys(conn: Connection, ids: Sequence[int]) -> None:
    await conn.execute(SQL.touch_keys, {"ids": list(ids)})


async def revoke_key(conn: Connection, key_id: int) -> bool:
    return await _value(conn, "revoke_key", {"id": key_id}) is not None


async def add_audit(conn: Connection, who: Principal, action: str, subject: str, before: Any, after: Any) -> None:
    params = {
        "kind": who.kind, "id": who.id, "name": who.name, "action": action, "subject": subject,
        "before": None if before is None else Jsonb(before), "after": None if after is None else Jsonb(after),
    }  # fmt: skip
    await conn.execute(SQL.add_audit, params)


async def list_audit(conn: Connection, limit: int, **filters: Any) -> list[AuditEntry]:
    return await _all(conn, AuditEntry, "list_audit", {"limit": limit, **filters})


async def redact_audit(conn: Connection, needles: Sequence[str], endings: Sequence[str], subjects: Sequence[str]) -> int:
    params = {"needles": list(needles), "endings": list(endings), "subjects": list(subjects)}
    return (await conn.execute(SQL.redact_audit, params)).rowcount
