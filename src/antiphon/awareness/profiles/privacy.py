"""What is personal is shown to those only who hold `profiles:personal`; others see that it is there.

It holds wherever traits of single people are shown: their page, lists, proposals, timeline, history of a trait, why they are
in a segment, deliveries and their sheet, templates tried on them; an export has everything, and needs it. What counts
everybody (segments, sizes) may ask about personal traits, and shows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from antiphon.awareness.profiles.model import ProfileShown, ProfileSummary, display_name
from antiphon.awareness.profiles.rules import personal_traits
from antiphon.awareness.profiles.store import SQL
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

PERSONAL = "profiles:personal"
_NAMED_BY = frozenset({"name", "firstName", "lastName", "first_name", "last_name", "email"})
_KINDS = ("email", "phone", "user_id")


async def secret_traits(conn: Connection, who: Principal) -> frozenset[str]:
    """Names of the traits whose values are not for this one."""
    return frozenset() if who.may(PERSONAL) else await personal_traits(conn)


async def names_shown(conn: Connection, who: Principal) -> bool:
    """Whether customers may be called by their names before this one."""
    return not _NAMED_BY & await secret_traits(conn, who)


async def names_of(conn: Connection, who: Principal, ids: Iterable[int]) -> dict[int, str]:
    """What to call these customers before this one; those without a name, and all if names are not shown, are absent."""
    wanted = sorted(set(ids))
    if not wanted or not await names_shown(conn, who):
        return {}
    rows = await (await conn.execute(SQL.traits_for_names, {"ids": wanted})).fetchall()
    return {row[0]: name for row in rows if (name := display_name(row[1]))}


def masked(shown: ProfileShown, secret: frozenset[str]) -> ProfileShown:
    """The page without the values that are not for the asker; their names are in `hidden`."""
    hidden = sorted(secret & shown.traits.keys())
    if not hidden:
        return shown
    known = {one.kind: one.value for one in reversed(shown.identities)}
    fallback = next((known[kind] for kind in _KINDS if kind in known), f"#{shown.id}")
    open_traits = {name: value for name, value in shown.traits.items() if name not in secret}
    return structs.replace(
        shown,
        name=display_name(open_traits, fallback) if _NAMED_BY & secret else shown.name,
        traits={name: None if name in secret else value for name, value in shown.traits.items()},
        trait_history=[structs.replace(one, value=None) if one.name in secret else one for one in shown.trait_history],
        hidden=hidden,
    )


def masked_names(people: Sequence[ProfileSummary], secret: frozenset[str]) -> list[ProfileSummary]:
    """A list that calls people by what they are known by, where their names are not for the asker."""
    if not _NAMED_BY & secret:
        return list(people)
    return [structs.replace(one, name=one.email or one.phone or one.user_id or f"#{one.id}") for one in people]
