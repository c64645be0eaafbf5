"""The plan of a segment's question: what it need not read it does not open."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.compile import plan
from antiphon.awareness.segments.evaluate import statements
from antiphon.awareness.segments.model import EventCondition, Last, TraitColumn, TraitCondition
from antiphon.awareness.segments.scans import Tables
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store

MONTHS = 6
FILL = """
insert into lake.event by name
select 0::smallint as lane, i as seq, $at + to_seconds(i) as ts, $at as received_at, i % 100 as profile_id,
    'Name ' || (i % 5) as name, 'track' as kind, '{}' as properties
from range(2000) t(i) order by name, ts
"""


async def explained(lake: LakeClient, sql: str) -> str:
    return "\n".join(str(row[1]) for row in await lake.run(f"explain analyze {sql}"))


async def test_only_the_months_of_the_window_are_read(lake: LakeClient, clock: VirtualClock) -> None:
    now = clock.now()
    for month in range(MONTHS):
        await lake.script([(FILL, {"at": now - timedelta(days=30 * month + 1)})])
    for days, files in ((10, 1), (45, 2), (3000, MONTHS)):
        planned = plan({0: EventCondition(name="Name 3", window=Last(amount=days, unit="days"))}, now, {})
        (_, question) = planned.questions(Tables()) if planned.everyone is not None else (None, planned.questions(Tables())[0])
        text = await explained(lake, question.sql)
        found = re.search(r"Total Files Read:\s*(\d+)", text)
        assert found is not None, text
        assert int(found[1]) == files, (days, text)
        assert re.search(r"name='?Name 3", text), "the name is not a condition of the scan itself"


async def test_a_condition_on_a_trait_reads_that_column_alone(lake: LakeClient, clock: VirtualClock) -> None:
    await lake.script(["alter table lake.profile add column t_plan varchar", "alter table lake.profile add column t_age double"])
    await lake.script(
        ["insert into lake.profile by name select i as profile_id, 'gold' as t_plan, 1.0 as t_age from range(10) t(i)"]
    )
    traits = {"plan": TraitColumn("t_plan", "text"), "age": TraitColumn("t_age", "number")}
    planned = plan({0: TraitCondition(trait="plan", op="is", value="gold")}, clock.now(), traits)
    (question,) = planned.questions(Tables())
    text = await explained(lake, question.sql)
    assert "t_plan='gold'" in text, text
    assert "t_age" not in text


async def test_the_hot_tail_is_read_once_however_many_names(lake: LakeClient, clock: VirtualClock) -> None:
    trees = {i: EventCondition(name=f"Name {i % 5}", window=Last(amount=10 + i, unit="days")) for i in range(10)}
    trees |= {10 + i: EventCondition(name=f"Rare {i}", window=Last(amount=10 + i, unit="days")) for i in range(5)}
    before, questions, after = statements(plan(trees, clock.now(), {}), merged=False)
    assert len(questions) == 6  # one for each name that several leaves count, one for all that only one does
    assert sum(sql.count("postgres_query") for sql in before) == 1
    assert not any("postgres_query" in question.sql for question in questions)
    answers = await lake.many(
        [(sql, None) for sql in [*before, *(question.sql for question in questions), *after]], shape="columns"
    )
    assert all(len(answer["profile_id"]) == 0 for answer in answers[1:-1])


async def test_the_hot_tail_brings_properties_only_of_names_that_need_them(lake: LakeClient, clock: VirtualClock) -> None:
    where = [PropertyFilter(property="n", op="is", value=1)]
    deep, plain = EventCondition(name="Deep", where=where), EventCondition(name="Plain")
    planned = plan({0: deep, 1: plain}, clock.now(), {})
    assert planned.properties == ["Deep"]
    (hot, *_), _, _ = statements(planned, merged=False)
    assert "case when name in (''Deep'') then properties end as properties" in hot
    assert "name in (''Deep'', ''Plain'')" in hot
    await lake.many([(hot, None)], shape="rows")
    assert "properties" not in statements(plan({0: plain}, clock.now(), {}), merged=False)[0][0]
