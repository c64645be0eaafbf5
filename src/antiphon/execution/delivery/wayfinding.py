"""Which way a message goes: as its author says, else by the usual path of its class, and by what suits its purpose."""

from __future__ import annotations

from antiphon.execution.delivery.errors import NoAccount
from antiphon.execution.delivery.model import Hop, MessageClassName
from antiphon.execution.delivery.rules.paths import usual_path
from antiphon.execution.delivery.service import default_channel
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


async def way_of(
    ctx: Context, conn: Connection, *, message_class: MessageClassName, channel: str, purpose: str, hops: tuple[Hop, ...],
    usual: bool = True,
) -> tuple[str, tuple[Hop, ...]]:  # fmt: skip
    """(channel, hops after it) of a message whose author named these: a channel perhaps, and hops perhaps.

    Where no hops are named, those of the usual path of its class follow, unless its author wants none (``usual``). Without a
    channel it takes the first its purpose has by default, else the first of the path. Raises NoAccount where there is none.
    """
    if hops or not usual:
        return channel or await default_channel(ctx, conn, purpose), hops
    if not channel and purpose:
        try:
            channel = await default_channel(ctx, conn, purpose)
        except NoAccount:
            channel = ""
    channel, hops = await usual_path(conn, message_class, channel)
    return channel or await default_channel(ctx, conn, purpose), hops
