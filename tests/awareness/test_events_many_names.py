"""Ten thousand names of events, and events a year late: the lake stays in few files, and pickers stay short."""

from __future__ import annotations

from collections import Counter

import pytest

from antiphon.awareness.events import event_relation, move_events
from antiphon.awareness.events.upkeep import compact, ensure_days
from antiphon.awareness.segments.catalogue import MOST_NAMES, Catalogues
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

NAMES = 10_000
BATCHES = 16
EACH = 2_500
INSERT = """
insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties)
select 0, s, %(at)s, %(at)s - case when s %% 10 = 0 then interval '370 days' else (s %% 50) * interval '1 hour' end, s %% 700,
    'Name ' || (s * 7919) %% %(names)s, 'track', 'm' || s, 1, jsonb_build_object('n', s)
from generate_series(%(first)s::bigint, %(last)s::bigint) s
"""


@pytest.mark.store
async def test_ten_thousand_names_stay_in_few_files(ctx: Context, lake: LakeClient) -> None:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await ensure_days(conn, now.date())
        await conn.execute(
            "insert into event_name (name, kind, first_seen, last_seen, properties) "
            "select 'Name ' || n, 'track', %s, %s, '{\"n\": \"number\"}' from generate_series(0, %s) n",
            (now, now, NAMES - 1),
        )
    for n in range(BATCHES):
        async with ctx.db.transaction() as conn:
            await conn.execute(INSERT, {"first": n * EACH + 1, "last": (n + 1) * EACH, "at": now, "names": NAMES})
        await move_events(ctx)
        if n % 8 == 7:
            for table in ("event", "event_by_profile"):
                await compact(ctx, table)
    for table in ("event", "event_by_profile"):
        files = await lake.run("select data_file from ducklake_list_files('lake', $table)", {"table": table})
        months = Counter(name.rsplit("/", 1)[0] for (name,) in files)
        assert len(months) >= 2 and max(months.values()) < 50
    ((rows, names, late),) = await lake.run(
        f"select count(*), count(distinct name), count(*) filter (where ts < received_at - interval 360 day) "
        f"from {event_relation(['name', 'ts', 'received_at'])}"
    )
    assert (rows, names, late) == (BATCHES * EACH, NAMES, BATCHES * EACH // 10)
    found = await lake.run(f"select count(*) from {event_relation(['seq'], names=['Name 42'])}")
    assert found == [(BATCHES * EACH // NAMES,)]
    assert len((await Catalogues(ctx).read()).events) == MOST_NAMES
