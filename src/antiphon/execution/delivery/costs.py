"""What a message will probably cost, before its parts and its account are known."""

from __future__ import annotations

from pathlib import Path

import msgspec

from antiphon.execution.channels import Channels
from antiphon.execution.delivery.model import Dispatch, NewDispatch
from antiphon.execution.delivery.terms import Terms, price_of
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("accounts.sql"))


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """An account and its terms."""

    provider: str
    terms: Terms


async def expected_micros(ctx: Context, conn: Connection, dispatch: Dispatch | NewDispatch) -> int:
    """What one part of a dispatch's messages costs through its account, or through the channel's first one; where the account
    has prices by country only, the highest of them."""
    params = {"account_id": dispatch.account_id, "channel": dispatch.channel}
    async with conn.cursor(row_factory=struct_row(Priced)) as cur:
        found = await (await cur.execute(SQL.first_priced, params)).fetchone()
    if found is None:
        return 0
    channels = ctx.get(Channels)
    own = channels[found.provider].manifest.capabilities.cost_micros if found.provider in channels else 0
    return price_of(found.terms, own, "") or max(found.terms.prices.values(), default=0)
