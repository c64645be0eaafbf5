"""What Antiphon's own rooms say of people by their id: traits that compete with what everybody else says."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import Identity
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints


async def say_traits(conn: Connection, said: Sequence[tuple[int, bytes, str]]) -> list[int]:
    """(profile, traits as a JSON object in which null removes, stamp): each trait by its stamp and by the rules there are: what
    one refuses is not heard. People who are gone or merged away are left out; returns who changed.

    It is said under the strongest identity somebody has, as an import of theirs would be, so that it goes with that identity
    should people be parted. They are held, in order of id, until the transaction ends.
    """
    held = await store.lock_profiles(conn, sorted({profile for profile, _, _ in said}))
    kept = [one for one in said if one[0] in held]
    if not kept:
        return []
    rows = await (await conn.execute(links.SQL.speakers, {"ids": bigints(sorted(held))})).fetchall()
    speakers = {profile: Identity(kind, value) for profile, kind, value in rows}
    parted = [(profile, speakers[profile], traits, stamp) for profile, traits, stamp in kept if profile in speakers]
    if parted:
        await links.say(conn, parted)
    changed = await store.merge_traits(conn, [one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept])
    await store.mark_dirty(conn, changed)
    return changed
