"""Who acts: the signed-in person, the API key or the system itself, and what each may do."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["owner", "marketer", "analyst", "agent", "branch_manager", "developer"]
ROLES: tuple[Role, ...] = ("owner", "marketer", "analyst", "agent", "branch_manager", "developer")

PrincipalKind = Literal["person", "key", "system", "stranger"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """One who acts. `id` is the person's or the key's row; 0 for the system and for strangers."""

    id: int
    kind: PrincipalKind
    name: str
    role: Role | None = None
    permissions: frozenset[str] = frozenset()
    session_id: bytes | None = None
    source_id: int | None = None
    """The event source a write key belongs to."""

    def may(self, permission: str) -> bool:
        """Whether this principal holds `permission` (`room:verb`). The owner and the system hold all."""
        return self.kind == "system" or self.role == "owner" or permission in self.permissions

    @property
    def subject(self) -> str:
        """How the audit log names this principal, as `person:12`."""
        return self.kind if self.id == 0 else f"{self.kind}:{self.id}"


SYSTEM = Principal(id=0, kind="system", name="Antiphon")
"""Background work acts as the system."""

STRANGER = Principal(id=0, kind="stranger", name="")
"""Whoever calls a public route."""
