"""API keys and write keys: made once, shown once, kept as hashes, scoped and revocable."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from antiphon.foundation.access import store
from antiphon.foundation.access.auditing import audit
from antiphon.foundation.access.errors import BeyondOwnPermissions, KeyNeedsScope, NoSuchKey, UnknownPermission
from antiphon.foundation.access.model import WRITE_PERMISSION, Key, KeyKind, hash_token, permissions_of
from antiphon.foundation.context import Context
from antiphon.foundation.ids import random_token
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal, Role

FRESH = 5.0
"""Seconds for which a process believes what it knows of a key: so long may a revoked one still work."""
MOST_KNOWN = 10_000


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key and its token, which is shown this once."""

    key: Key
    token: str


class Access:
    """What one process knows of permissions and keys; `ctx.get(Access)`."""

    def __init__(self, declared: Mapping[str, tuple[Role, ...]], rooms: Sequence[str]) -> None:
        self.declared = dict(declared)
        self.rooms = tuple(rooms)
        self._known: dict[bytes, tuple[float, Principal | None]] = {}

    async def key(self, ctx: Context, token: str) -> Principal | None:
        """Who holds this API or write key; None if it is not in force. Answers from memory for FRESH seconds."""
        digest = hash_token(token)
        now = time.monotonic()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        async with ctx.db.connection() as conn:
            found = await store.find_token(conn, digest)
            if found is not None:
                await store.touch_keys(conn, [found.id])
        who = None if found is None else self._principal(found)
        self._known[digest] = (now + FRESH, who)
        return who

    def known(self, token: str) -> Principal | None:
        """What `key` would answer from memory; None when it would have to ask."""
        known = self._known.get(hash_token(token))
        return known[1] if known is not None and known[0] > time.monotonic() else None

    def forget_keys(self) -> None:
        """Ask the database again at the next use."""
        self._known.clear()

    def _principal(self, found: store.FoundToken) -> Principal:
        scope = frozenset(found.permissions)
        if found.kind == "api" and found.maker is not None:
            scope &= permissions_of(found.maker, self.declared)
        return Principal(id=found.id, kind="key", name=found.name, permissions=scope, source_id=found.source_id)


async def issue_key(
    conn: Connection, who: Principal, *, name: str, kind: KeyKind, permissions: Sequence[str] = (),
    source_id: int | None = None, expires_at: datetime | None = None, declared: Mapping[str, tuple[Role, ...]] | None = None,
) -> IssuedKey:  # fmt: skip
    """Make a key in the caller's transaction. A write key writes the events of `source_id` and does nothing else.

    Raises KeyNeedsScope, UnknownPermission, BeyondOwnPermissions.
    """
    scope = sorted(set(permissions)) if kind == "api" else [WRITE_PERMISSION]
    if not scope or (kind == "write" and permissions):
        raise KeyNeedsScope(field="permissions")
    if kind == "api":
        for permission in scope:
            if declared is not None and permission not in declared:
                raise UnknownPermission(permission=permission, field="permissions")
            if not who.may(permission):
                raise BeyondOwnPermissions(permission=permission, field="permissions")
    token = f"{'ak' if kind == 'api' else 'wk'}_{random_token(24)}"
    key_id = await store.add_key(
        conn, name=name.strip(), kind=kind, hint=token[:7], token_hash=hash_token(token), permissions=scope,
        source_id=source_id, created_by=who.id if who.kind == "person" else None,
        made_with=who.id if who.kind == "key" else None, expires_at=expires_at,
    )  # fmt: skip
    key = await find_key(conn, key_id)
    await audit(conn, who, action="access.issue_key", subject=f"key:{key_id}", after=key)
    return IssuedKey(key=key, token=token)


async def find_key(conn: Connection, key_id: int) -> Key:
    """Raises NoSuchKey."""
    key = await store.find_key(conn, key_id)
    if key is None:
        raise NoSuchKey
    return key


async def list_keys(ctx: Context) -> list[Key]:
    """All keys, those in force first."""
    async with ctx.db.connection() as conn:
        return await store.list_keys(conn)


async def revoke_key(ctx: Context, who: Principal, key_id: int) -> None:
    """The key stops working: here at once, in other processes within FRESH seconds. Raises NoSuchKey."""
    async with ctx.db.transaction() as conn:
        key = await find_key(conn, key_id)
        if await store.revoke_key(conn, key_id):
            await audit(conn, who, action="access.revoke_key", subject=f"key:{key_id}", before=key)
    if ctx.has(Access):
        ctx.get(Access).forget_keys()
