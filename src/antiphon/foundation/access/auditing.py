"""The audit log: every change, by whom, before and after; never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from antiphon.foundation.access import store
from antiphon.foundation.access.model import AuditEntry, without_secrets
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

LONG = 9  # characters from which a word is unmistakable wherever it stands
LONGEST = 20_000  # bytes of JSON kept of a state; more is a change nobody reads here


def _state(value: Any) -> Any:
    if value is None:
        return None
    builtins = without_secrets(msgspec.to_builtins(value, str_keys=True))
    encoded = msgspec.json.encode(builtins)
    if b"\\u0000" in encoded:
        builtins = msgspec.json.decode(encoded.replace(b"\\u0000", b"\\ufffd"))
    return builtins if len(encoded) <= LONGEST else {"too_large_to_keep": len(encoded)}


async def audit(
    conn: Connection, who: Principal, *, action: str, subject: str, before: Any = None, after: Any = None
) -> None:
    """Note a change in its own transaction.

    `action` is `room.verb` (`segments.publish`), `subject` is `noun:id` (`segment:12`). `before` and `after` are structs,
    mappings or lists; what is named like a secret in them is blotted out.
    """
    await store.add_audit(conn, who, action, subject, _state(before), _state(after))


async def redact(conn: Connection, words: Sequence[str], subjects: Sequence[str] = ()) -> int:
    """Blot out what changes say of somebody erased, known by these identities; returns how many did.

    Of changes of these subjects everything is: an identity that was theirs once is in no list of words. What is as long as an
    address or has an @ is looked for anywhere; anything shorter only as a whole value.
    """
    lower = [word.lower() for word in words]
    anywhere = [word for word in lower if "@" in word or len(word) >= LONG]
    needles = anywhere + [msgspec.json.encode(word).decode() for word in lower if word not in anywhere]
    return await store.redact_audit(conn, needles, [f":{word}" for word in lower], subjects) if words or subjects else 0


def _like(text: str | None, *, inside: bool = False) -> str | None:
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if inside else f"{escaped}%"


async def read_audit(
    conn: Connection, *, limit: int, before_id: int | None = None, who: str | None = None, action: str | None = None,
    subject: str | None = None, since: datetime | None = None, until: datetime | None = None,
) -> list[AuditEntry]:  # fmt: skip
    """Changes, latest first; `action` and `subject` by their beginning, `who` by any part of the name."""
    return await store.list_audit(
        conn, limit, before_id=before_id, who=_like(who, inside=True), action=_like(action),
        subject=_like(subject), since=since, until=until,
    )  # fmt: skip
