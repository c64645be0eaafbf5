"""What customers of a file said about being written to: into the ledger once, with its evidence; and whose row it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.awareness.test_imports_customers import bring, refused, write
from tests.awareness.test_imports_events import bring_events
from tests.conftest import data_file

from antiphon.awareness.consent import ChannelKind, ChannelRegistry, ChannelUnknown, TopicUnknown
from antiphon.awareness.imports import begin_import, parse_map, take_file
from antiphon.awareness.imports.model import BadMap, ConsentNotYours
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.principal import Principal

pytestmark = pytest.mark.store
MAPS = Path(__file__).parents[2] / "docs" / "maps"
MAP = """
kind = "customers"
[identities]
email = "E"
loyalty_card = "Card"
[traits]
plan = "P"
[[consents]]
channel = "email"
topic = "news"
state = "News"
at = { column = "When", format = "%d.%m.%Y", zone = "Europe/Berlin" }
source = "Where"
text = { value = "I want the news." }
[[consents]]
channel = "sms"
topic = "news"
state = { value = "no" }
[preferences]
channel = "By"
language = "Lang"
quiet_hours = { column = "Quiet", zone = "Europe/Berlin" }
"""
HEAD = "E,Card,P,News,When,Where,By,Lang,Quiet\n"
GOOD = HEAD + (
    "a@x.org,4000 1234,gold,Yes,02.01.2026,till,Email,DE?,\n"
    "b@x.org,,red,no,03.01.2026,,sms,ru,22:00-08:00\n"
    "c@x.org,,red,,,,,,\n"
    "d@x.org,,red,perhaps,,,,,\n"
    "e@x.org,,red,yes,01.01.2200,,,,\n"
    "f@x.org,,red,yes,,,,,22:00-22:00\n"
)


@pytest.fixture
async def channels(ctx: Context) -> ChannelRegistry:
    registry = ChannelRegistry((ChannelKind("email", "email", "E-mail"), ChannelKind("sms", "phone", "SMS")))
    ctx.put(ChannelRegistry, registry)
    async with ctx.db.connection() as conn:
        await conn.execute("insert into topic (name, title, description) values ('news', 'News', '') on conflict do nothing")
    return registry


async def rows(ctx: Context, query: str) -> list[tuple[Any, ...]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute(query)).fetchall()  # type: ignore[arg-type]


LEDGER = (
    "select i.value, c.channel, c.state, c.at, c.source, c.evidence ->> 'text' from consent c "
    "join identity i on i.profile_id = c.profile_id and i.kind = 'email' order by 1, 2, c.id"
)


async def test_consents_and_wishes_come_once(ctx: Context, lake: LakeClient, channels: ChannelRegistry, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    done = await bring(ctx, path, MAP)
    assert (done.state, done.made, done.refused) == ("done", 2, 4), done
    reasons = {row[0]: row[1] for row in refused(ctx, done)[1:]}
    assert reasons == {
        "1": "Lang: no language: DE?", "4": "News: neither yes nor no: perhaps", "5": "When: in the future: 01.01.2200",
        "6": "Quiet: no quiet hours: 22:00-22:00",
    }  # fmt: skip
    as_of = ctx.clock.now()
    third = datetime(2026, 1, 2, 23, tzinfo=UTC)
    expected = [
        ("b@x.org", "email", "withdrawn", third, "import", "I want the news."),
        ("b@x.org", "sms", "withdrawn", as_of, "import", None),
        ("c@x.org", "sms", "withdrawn", as_of, "import", None),
    ]
    assert [row[:5] for row in await rows(ctx, LEDGER)] == [row[:5] for row in expected]
    assert done.said == 6
    wishes = await rows(ctx, "select aspect, value from preference order by 1")
    assert wishes == [
        ("channel", "sms"), ("language", "ru"), ("quiet_hours", {"from": "22:00", "to": "08:00", "zone": "Europe/Berlin"}),
    ]  # fmt: skip
    # The customer changes their mind; the file comes again, and adds nothing.
    await rows(ctx, "update consent_state set state = 'granted', at = now() where channel = 'sms' returning 1")
    ctx.clock.advance(timedelta(days=1))  # type: ignore[attr-defined]
    again = await bring(ctx, path, MAP)
    assert (again.made, again.changed, again.said) == (0, 0, 0)
    assert len(await rows(ctx, LEDGER)) == 3
    # A later word is news.
    later = write(tmp_path, HEAD + "b@x.org,4000-1234,red,granted,04.01.2026,till,,,\n", "later.csv")
    assert (await bring(ctx, later, MAP)).said == 2
    said = ("b@x.org", "email", "granted", third + timedelta(days=1), "till", "I want the news.")
    assert said in await rows(ctx, LEDGER)


async def test_maps_of_what_was_said_are_checked(ctx: Context, channels: ChannelRegistry, tmp_path: Path) -> None:
    file = await take_file(ctx, SYSTEM, write(tmp_path, GOOD))
    for change, error in (('topic = "news"', TopicUnknown), ('channel = "sms"', ChannelUnknown)):
        imported = parse_map(MAP.replace(change, change.split(" = ")[0] + ' = "other"'))
        with pytest.raises(error):
            await begin_import(ctx, SYSTEM, file_id=file.id, imported=imported, dry_run=False)
    marketer = Principal(id=0, kind="key", name="key", permissions=frozenset({"imports:write"}))
    with pytest.raises(ConsentNotYours):
        await begin_import(ctx, marketer, file_id=file.id, imported=parse_map(MAP), dry_run=False)
    with pytest.raises(BadMap) as wrong:
        parse_map("kind='events'\nname='a'\ntime='b'\n[preferences]\nlanguage='c'")
    assert wrong.value.field == "preferences"
    with pytest.raises(BadMap):
        parse_map("kind='customers'\n[identities]\nuser_id = { row = true, column = 'a' }")


def test_every_map_of_the_documentation_can_be_read() -> None:
    assert len([parse_map(path.read_text()) for path in sorted(MAPS.glob("*.toml"))]) > 4


async def test_an_e_mail_test_imports_with_rows_as_people(ctx: Context, lake: LakeClient) -> None:
    path = data_file("hillstrom.csv.gz")
    done = await bring(ctx, path, (MAPS / "hillstrom.toml").read_text())
    assert (done.state, done.made, done.refused) == ("done", 64_000, 0)
    visits = await bring_events(ctx, path, parse_map((MAPS / "hillstrom_visits.toml").read_text()))
    orders = await bring_events(ctx, path, parse_map((MAPS / "hillstrom_orders.toml").read_text()))
    assert (orders.made, orders.refused) == (267 + 189 + 122, 0) and visits.refused == 0
    assert await rows(ctx, "select count(*) from profile") == [(64_000,)]
    shares = {
        name: (people, round(100 * came / people, 2))
        for name, people, came in await rows(
            ctx,
            "select p.traits ->> 'campaign', count(*), count(e.profile_id) from profile p left join event e "
            "on e.profile_id = p.id and e.name = 'Site Visited' group by 1",
        )
    }
    assert shares == {"Mens E-Mail": (21_307, 18.28), "Womens E-Mail": (21_387, 15.14), "No E-Mail": (21_306, 10.62)}
    spent = await rows(
        ctx,
        "select properties ->> 'campaign', sum((properties ->> 'total')::numeric) from event where name = 'Order Completed' group by 1",
    )
    heads = {"Mens E-Mail": 21_307, "Womens E-Mail": 21_387, "No E-Mail": 21_306}
    assert {name: round(float(total) / heads[name], 4) for name, total in spent} == {
        "Mens E-Mail": 1.4226, "Womens E-Mail": 1.0772, "No E-Mail": 0.6528,
    }  # fmt: skip
    assert await lake.run("select count(*), count(distinct profile_id), sum(t_mens::int) from lake.profile") == [
        (64_000, 64_000, (await rows(ctx, "select count(*) from profile where traits ->> 'mens' = 'true'"))[0][0])
    ]
