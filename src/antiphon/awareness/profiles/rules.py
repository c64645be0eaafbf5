"""What writers of traits heed, and the verb by which Antiphon's own word is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from antiphon.awareness.profiles import store
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, jsonbs


class TraitRule(msgspec.Struct, frozen=True, kw_only=True):
    """What is heeded of one trait.

    `computed`: only Antiphon's word counts. `type`: values of another type are refused. `allowed`: the only values (or
    items of a list) there may be. `personal`: shown to those only who may see what is personal.
    """

    computed: bool = False
    type: str | None = None
    allowed: list[str] | None = None
    personal: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A value that was refused: whose, which (JSON, shortened), why (`type` or `allowed`) and when."""

    profile_id: int
    value: str
    reason: str
    at: datetime


async def read_rule(conn: Connection, name: str) -> TraitRule:
    """The rule of a trait; an idle one where there is none."""
    rows = await store.rows(conn, "read_rule", name=name)
    return TraitRule(**rows[0]) if rows else TraitRule()


async def set_rule(conn: Connection, name: str, rule: TraitRule) -> None:
    """From the next message on this is heeded; what profiles hold stays."""
    await store.run(conn, "set_rule", name=name, **msgspec.structs.asdict(rule))
    await store.run(conn, "drop_idle_rule", name=name)


async def personal_traits(conn: Connection) -> frozenset[str]:
    """Names of the traits that only those see who may see what is personal."""
    return frozenset(row["name"] for row in await store.rows(conn, "personal_traits"))


async def computed_traits(conn: Connection) -> frozenset[str]:
    """Names of the traits that Antiphon computes."""
    return frozenset(row["name"] for row in await store.rows(conn, "computed_traits"))


async def ruled_traits(conn: Connection) -> frozenset[str]:
    """Names of the traits of which something may be refused."""
    return frozenset(row["name"] for row in await store.rows(conn, "ruled_traits"))


async def refusals(conn: Connection, name: str, limit: int) -> list[Refusal]:
    """Values of a trait that were refused, latest first; at most one a minute is kept, for a month."""
    return [Refusal(**row) for row in await store.rows(conn, "refusals", name=name, limit=limit)]


async def forget_old_refusals(conn: Connection) -> None:
    """Refused values are shown for a month."""
    await store.run(conn, "forget_old_refusals")


async def write_computed(conn: Connection, patches: Sequence[tuple[int, bytes]], *, stamp: str) -> None:
    """Write Antiphon's own word: (profile, traits as a JSON object, null removes); the profiles are held and canonical.

    It replaces whatever is there, and they wait to be copied into the mirror.
    """
    if patches:
        ids = [one for one, _ in patches]
        params = {"ids": bigints(ids), "traits": jsonbs([traits for _, traits in patches]), "stamp": stamp}
        await conn.execute(store.SQL.write_computed, params)
        await store.mark_dirty(conn, ids)


async def hold_from_erasure(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these profiles that are there, and stay until the transaction ends; merged away or not."""
    rows = await (await conn.execute(store.SQL.hold_from_erasure, {"ids": bigints(ids)})).fetchall()
    return {row[0] for row in rows}


async def hold_for_erasure(conn: Connection, ids: Sequence[int]) -> None:
    """Wait until nobody writes about these profiles; whoever comes later finds them gone."""
    await conn.execute(store.SQL.hold_for_erasure, {"ids": bigints(ids)})
