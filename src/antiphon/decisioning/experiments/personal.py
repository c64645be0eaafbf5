"""What experiments know of one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyroaring import BitMap

from antiphon.awareness.profiles import every_id
from antiphon.decisioning.experiments.records import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, dict_row


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Take an erased customer, and whoever was merged into them, out of exposures and deals. Figures that are final stay."""
    gone = BitMap(await every_id(conn, profile_id))
    await conn.execute(SQL.erase_exposures, {"profile_ids": list(gone)})
    for experiment_id, stratum, arm, packed in await (await conn.execute(SQL.deals_to_erase)).fetchall():
        people = BitMap.deserialize(packed)
        if not people.isdisjoint(gone):
            kept = {"id": experiment_id, "stratum": stratum, "arm": arm, "ids": (people - gone).serialize()}
            await conn.execute(SQL.erase_from_deal, kept)


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What a customer was shown in experiments."""
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(SQL.export_exposures, {"profile_ids": await every_id(conn, profile_id)})
        return {"exposures": await cur.fetchall()}
