"""The room's types and pure rules: passwords, tokens, second factors, what may be audited."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from antiphon.foundation.access.errors import InvalidEmail, WeakPassword
from antiphon.foundation.principal import Principal, Role

Locale = Literal["en", "ru", "zh"]
Theme = Literal["auto", "light", "dark"]
KeyKind = Literal["api", "write"]

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=100)]

WRITE_PERMISSION = "events:write"
SHORTEST_PASSWORD = 10


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works with this installation."""

    id: int
    email: str
    name: str
    role: Role
    locale: Locale
    theme: Theme
    second_factor: bool
    invited: bool
    """Has not set a password yet."""
    disabled_at: datetime | None
    created_at: datetime
    last_sign_in_at: datetime | None


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What sign-in compares with; never leaves the room."""

    id: int
    email: str
    name: str
    password_hash: str | None
    totp_secret: bytes | None
    totp_confirmed: bool
    totp_last_step: int
    recovery_hashes: list[bytes]
    disabled: bool


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The person behind a session cookie."""

    id: int
    email: str
    name: str
    role: Role
    stale: bool
    """Not noted as seen for a minute."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in browser of a person."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    current: bool


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, or the write key of an event source. The token itself is not kept."""

    id: int
    name: str
    kind: KeyKind
    hint: str
    """The token's first letters, to recognise it by."""
    permissions: list[str]
    source_id: int | None
    created_by: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who did what to which subject, and its state before and after."""

    id: int
    at: datetime
    who_kind: str
    who_id: int
    who_name: str
    action: str
    subject: str
    before: Any
    after: Any


_EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+")
_SECRET = re.compile(r"password|secret|token|totp|recovery|authorization|cookie|private", re.IGNORECASE)


def normalise_email(email: str) -> str:
    """The address as accounts are keyed by. Raises InvalidEmail."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or "\0" in email:
        raise InvalidEmail(field="email")
    return email


def check_password(password: str, email: str, field: str = "password") -> None:
    """Length is what counts (NIST SP 800-63B); a password that repeats itself or the address is refused."""
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"A password has at least {SHORTEST_PASSWORD} characters.", field=field)
    if len(set(password)) < 4 or password.lower() in {email, email.partition("@")[0]}:
        raise WeakPassword("That password is too easily guessed.", field=field)


def hash_token(token: str) -> bytes:
    """How a random token is kept. It holds 192 bits or more, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def new_recovery_codes(count: int = 10) -> list[str]:
    """One-time codes in groups people can type: `k7wp-3mqd-x2fn-9hte`."""
    letters = "abcdefghjkmnpqrstvwxyz23456789"
    return ["-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4)) for _ in range(count)]


def hash_recovery(code: str) -> bytes:
    """How a recovery code is kept; case, spaces and dashes do not matter."""
    return hash_token(re.sub(r"[\s-]", "", code).lower())


def without_secrets(value: Any) -> Any:
    """`value` as builtins, with whatever is named like a secret blotted out."""
    if isinstance(value, Mapping):
        return {str(k): "•••" if _SECRET.search(str(k)) and v is not None else without_secrets(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value


def permissions_of(role: Role, declared: Mapping[str, tuple[Role, ...]]) -> frozenset[str]:
    """What a role may do, by the permissions that the rooms switched on declare. The owner may do all."""
    return frozenset(name for name, roles in declared.items() if role == "owner" or role in roles)


def principal_of(person: SignedIn, declared: Mapping[str, tuple[Role, ...]], session: bytes) -> Principal:
    """The person of a session as one who acts."""
    return Principal(
        id=person.id, kind="person", name=person.name or person.email, role=person.role,
        permissions=permissions_of(person.role, declared), session_id=session,
    )
