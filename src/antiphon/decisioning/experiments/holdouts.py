"""Holding people out, and letting them in again."""

from __future__ import annotations

from antiphon.decisioning.experiments import store
from antiphon.decisioning.experiments.model import Holdout, HoldoutUnknown, Period
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.ids import random_token
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal


async def set_holdout(
    ctx: Context, conn: Connection, who: Principal, name: str, *, title: str, percent: float, period: Period, enabled: bool,
    redraw: bool,
) -> Holdout:  # fmt: skip
    """Hold out so many percent. The people stay the same as the percentage moves, unless they are drawn anew (``redraw``)."""
    before = await store.find_holdout(conn, name)
    salt = random_token(6) if before is None or redraw else before.salt
    values = {
        "name": name, "title": title, "percent": percent, "salt": salt, "period": period, "enabled": enabled,
        "now": ctx.clock.now(),
    }  # fmt: skip
    await store.put_holdout(conn, values)
    after = await store.find_holdout(conn, name)
    assert after is not None
    await audit(conn, who, action="experiments.holdout", subject=f"holdout:{name}", before=before, after=after)
    return after


async def remove_holdout(conn: Connection, who: Principal, name: str) -> None:
    """Hold nobody out by this name. Raises HoldoutUnknown."""
    before = await store.find_holdout(conn, name)
    if before is None or not await store.delete_holdout(conn, name):
        raise HoldoutUnknown(name=name)
    await audit(conn, who, action="experiments.holdout", subject=f"holdout:{name}", before=before, after=None)


