"""People, their sign-in, sessions, keys and permissions, and the audit log of every change.

The room owns the tables `person`, `session`, `api_key`, `invitation`, `sign_in_attempt` and `audit`, and leaves the notice
`PersonInvited`. Other rooms use `audit` in the transaction of each change, `Access.key` to look up a write key, `issue_key`
to make one, and `Principal` for whoever acts.
"""

from antiphon.foundation.access.auditing import audit, redact
from antiphon.foundation.access.authenticate import client_address
from antiphon.foundation.access.keys import Access, IssuedKey, issue_key, revoke_key
from antiphon.foundation.access.model import Key, Person
from antiphon.foundation.access.people import PersonInvited, bootstrap_owner, has_people, invitation_link
from antiphon.foundation.principal import ROLES, STRANGER, SYSTEM, Principal, Role

__all__ = [
    "ROLES", "STRANGER", "SYSTEM", "Access", "IssuedKey", "Key", "Person", "PersonInvited", "Principal", "Role", "audit",
    "bootstrap_owner", "client_address", "has_people", "invitation_link", "issue_key", "redact", "revoke_key",
]  # fmt: skip
