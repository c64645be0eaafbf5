"""How fast a set of messages can be said: what accounts' terms allow, or what they have shown of late."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from antiphon.execution.delivery.terms import Terms
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("pacing.sql"))


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Messages a second and a day; None where nothing limits them and nothing is known."""

    per_second: float | None
    per_day: int | None

    def seconds(self, messages: int) -> float | None:
        """How long so many messages take at least; None where that cannot be told."""
        times = []
        if self.per_second:
            times.append(messages / self.per_second)
        if self.per_day is not None:
            if self.per_day == 0:
                return None
            times.append((messages - 1) // self.per_day * 86_400.0)
        return max(times) if times else None


async def expected_pace(conn: Connection, channel: str, account_id: int | None, now: datetime) -> Pace:
    """What the account, or all of the channel's that are switched on, may say together. An account without a pace of its own
    counts with the busiest minute of its last two days that stood between two almost as busy; without one nothing is known."""
    rows = await (await conn.execute(SQL.paces, {"channel": channel, "account_id": account_id})).fetchall()
    per_second: float | None = 0.0
    per_day: int | None = 0
    for second, day, warmup, shown in rows:
        terms = msgspec.convert({"per_second": second, "per_day": day, "warmup": warmup}, Terms, strict=False)
        warm = None if terms.warmup is None else terms.warmup.most(now.date())
        days = [one for one in (terms.per_day, warm) if one is not None]
        fast = terms.per_second or (shown / 60 if shown else None)
        per_second = None if per_second is None or fast is None else per_second + fast
        per_day = None if per_day is None or not days else per_day + min(days)
    if not rows:
        return Pace(per_second=None, per_day=None)
    return Pace(per_second=per_second, per_day=per_day)
