"""People, their sign-in, sessions, keys and permissions, and the audit log of every change."""

from antiphon.foundation.principal import ROLES, STRANGER, SYSTEM, Principal, Role

__all__ = ["ROLES", "STRANGER", "SYSTEM", "Principal", "Role"]
