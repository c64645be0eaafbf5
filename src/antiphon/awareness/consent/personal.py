"""What this room does when people become one, are parted, ask for their copy, or are erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.awareness.consent import service, store
from antiphon.awareness.consent.model import ChannelRegistry
from antiphon.awareness.consent.preferences import service as preferences
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged, every_id
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


async def fold_together(ctx: Context, conn: Connection, merged: ProfilesMerged) -> None:
    """People became one: what counts is the newer word of the two. Their ledgers stay as they are."""
    await store.rebuild_states(conn, [*merged.gone, *merged.into])
    await preferences.fold_together(conn, merged.gone, merged.into)


async def part_again(ctx: Context, conn: Connection, undone: MergeUndone) -> None:
    """A merge was undone: each of the two is held to their own words again."""
    people = [undone.revived, undone.survivor]
    await store.rebuild_states(conn, people)
    await preferences.part_again(conn, people)


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What this room knows about a customer, for their own copy."""
    ids = await every_id(conn, profile_id) or [profile_id]
    kinds = [kind.identity for kind in ctx.get(ChannelRegistry)]
    return {
        "consents": await store.export_consents(conn, ids),
        **await preferences.export(conn, ids),
        "suppressions": await store.export_suppressions(conn, ids, kinds),
    }


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget what a customer said. A suppressed address stays so by its digest: it must not be written to again."""
    ids = await every_id(conn, profile_id) or [profile_id]
    kinds = [kind.identity for kind in ctx.get(ChannelRegistry)]
    await store.erase(conn, ids, kinds, service.digest_key(ctx))
    await preferences.erase(conn, ids)
