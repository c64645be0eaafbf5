"""What one person's tallies tell: what they seem to like."""

from __future__ import annotations

import msgspec

from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, secret_traits
from antiphon.awareness.traits.computed import store
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

_MOST = 50


class Liking(msgspec.Struct, frozen=True, kw_only=True):
    """A value and its part of the whole, from 0 to 1."""

    value: str
    share: float


class InferredPreference(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody seems to like by one affinity, the strongest first. `hidden`: it is personal, and not for the asker."""

    computed_id: int
    name: str
    description: str
    hidden: bool
    items: list[Liking]


async def inferred(ctx: Context, who: Principal, profile_id: int) -> list[InferredPreference]:
    """What a customer seems to like, from all they and those merged into them did. Raises NoSuchProfile."""
    async with ctx.db.connection() as conn:
        real = await canonical(conn, profile_id)
        if real is None:
            raise NoSuchProfile
        rows = await store.affinities(conn, await every_id(conn, real))
        secret = await secret_traits(conn, who)
    by: dict[tuple[int, str, str], list[tuple[str, float]]] = {}
    for computed_id, name, description, value, weight in rows:
        by.setdefault((computed_id, name, description), []).append((value, weight))
    found = []
    for (computed_id, name, description), items in by.items():
        whole = sum(weight for _, weight in items)
        likings = [Liking(value=value, share=round(weight / whole, 6)) for value, weight in items[:_MOST] if whole > 0]
        hidden = name in secret
        found.append(
            InferredPreference(
                computed_id=computed_id, name=name, description=description, hidden=hidden, items=[] if hidden else likings
            )
        )
    return found
