"""What the room's routes take and answer, beyond the model's own types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from antiphon.foundation.access.model import Email, KeyKind, Locale, Name, Password, Theme
from antiphon.foundation.http import Body
from antiphon.foundation.principal import Role

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class SignIn(Body, frozen=True, kw_only=True):
    """Address, password and, where a second factor is on, its code or a recovery code."""

    email: Email
    password: Password
    code: Code | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller: what they may do, which rooms are switched on, and their preferences."""

    kind: Literal["person", "key", "system", "stranger"]
    id: int
    name: str
    email: str | None
    role: Role | None
    permissions: list[str]
    rooms: list[str]
    locale: Locale
    theme: Theme
    second_factor: bool
    csrf: str | None
    """To be repeated in the header X-CSRF-Token of every request that changes something."""


class Preferences(Body, frozen=True, kw_only=True):
    """What a person chooses for themselves; absent keys stay."""

    name: Name | None = None
    locale: Locale | None = None
    theme: Theme | None = None


class PasswordChange(Body, frozen=True, kw_only=True):
    """The present password and the new one."""

    present: Password
    new: Password


class PasswordProof(Body, frozen=True, kw_only=True):
    """The password, asked again."""

    password: Password


class CodeProof(Body, frozen=True, kw_only=True):
    """A code of the authenticator app."""

    code: Code


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """One-time codes for a day without the app, shown this once."""

    recovery_codes: list[str]


class Invitation(Body, frozen=True, kw_only=True):
    """Somebody to invite."""

    email: Email
    name: Name = ""
    role: Role


class Acceptance(Body, frozen=True, kw_only=True):
    """The token of the link, and the password chosen."""

    token: Annotated[str, msgspec.Meta(max_length=200)]
    password: Password
    name: Name | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The address to sign in with."""

    email: str


class PersonChange(Body, frozen=True, kw_only=True):
    """Absent keys stay."""

    name: Name | None = None
    role: Role | None = None
    disabled: bool | None = None


class NewKey(Body, frozen=True, kw_only=True):
    """An API key with its permissions, or the write key of an event source."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    kind: KeyKind = "api"
    permissions: Annotated[list[Annotated[str, msgspec.Meta(max_length=100)]], msgspec.Meta(max_length=200)] = []
    source_id: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class RoleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A role and what it may do in this installation."""

    role: Role
    permissions: list[str]
