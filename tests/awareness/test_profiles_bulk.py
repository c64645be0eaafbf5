"""People in bulk are the same people as one by one: the staged way and `resolve` agree, whatever comes in which sets."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from antiphon.awareness.profiles import Identity, Loaded, Person, load_people, resolve, stamp_of
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database

pytestmark = pytest.mark.store

AT = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[dict[str, str], dict[str, Any]]


async def no_fence(conn: Connection) -> None: ...


def staged(rows: list[list[Any]]) -> Callable[[], AsyncIterator[bytes]]:
    text = io.StringIO()
    csv.writer(text).writerows(rows)

    async def chunks() -> AsyncIterator[bytes]:
        yield text.getvalue().encode()

    return chunks


async def load(conn: Connection, rows: list[Row], space: str, first: int) -> Loaded:
    """One set the staged way."""
    lines: list[list[Any]] = []
    found: list[list[Any]] = []
    everything = [(kind, value) for identities, _ in rows for kind, value in identities.items()]
    for n, (identities, traits) in enumerate(rows, first):
        lines.append([n, msgspec.json.encode(traits).decode(), stamp_of(AT, f"{n:06d}")])
        found += [[n, k, v + space, everything.count((k, v)) > 1] for k, v in identities.items()]
    return await load_people(conn, staged(lines), staged(sorted(found, key=lambda f: f[1:3])), at=AT, fence=no_fence)


async def think(conn: Connection, rows: list[Row], space: str, first: int) -> None:
    """The same set one by one."""
    people = [
        Person(
            tuple(Identity(k, v + space) for k, v in identities.items()),
            msgspec.json.encode(traits),
            stamp_of(AT, f"{n:06d}"),
            AT,
        )
        for n, (identities, traits) in enumerate(rows, first)
    ]
    async with conn.transaction():
        await resolve(conn, people, at=AT)


async def people_of(conn: Connection, space: str) -> set[tuple[tuple[str, ...], str]]:
    """Each person as their identities and traits."""
    cursor = await conn.execute(
        "select array_agg(i.kind || ':' || replace(i.value, %(space)s, '') order by 1), p.traits "
        "from identity i left join alias a on a.from_id = i.profile_id join profile p on p.id = coalesce(a.to_id, i.profile_id) "
        "where i.value like %(like)s group by p.id",
        {"space": space, "like": f"%{space}"},
    )
    return {
        (tuple(sorted(ids)), msgspec.json.encode(traits, order="deterministic").decode())
        for ids, traits in await cursor.fetchall()
    }


values = st.sampled_from(["1", "2", "3", "4"])
row = st.tuples(
    st.fixed_dictionaries({}, optional={"user_id": values, "email": values, "phone": values}).filter(bool),
    st.dictionaries(
        st.sampled_from(["plan", "age"]), st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["x", "y"])), max_size=2
    ),
)
_spaces = iter(range(10**9))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sets=st.lists(st.lists(row, min_size=1, max_size=6), min_size=1, max_size=3))
async def test_the_staged_way_and_the_careful_way_agree(database_url: str, sets: list[list[Row]]) -> None:
    database = await Database.open(database_url)
    conn = await database.dedicated()
    number = next(_spaces)
    one, other = f"@a{number}@", f"@b{number}@"
    first = 1
    for rows in sets:
        await load(conn, rows, one, first)
        await think(conn, rows, other, first)
        first += len(rows)
    before = await people_of(conn, one)
    assert before == await people_of(conn, other)
    again, first = Loaded(), 1
    for rows in sets:  # the same rows once more
        again, first = await load(conn, rows, one, first), first + len(rows)
        assert again.new == 0
    assert await people_of(conn, one) == before
    await conn.close()
    await database.close()


async def test_new_people_wait_for_the_mirror_and_the_search(ctx: Context) -> None:
    conn = await ctx.db.dedicated()
    done = await load(conn, [({"email": f"{n}"}, {"n": n, "gone": None}) for n in range(50)], "@x.org", 1)
    assert done == Loaded(new=50)
    for table in ("profile_dirty", "profile_unindexed"):
        assert await (await conn.execute(f"select count(*) from {table}")).fetchone() == (50,)
    assert await (await conn.execute("select count(*) from profile where traits ? 'gone'")).fetchone() == (0,)
    await conn.close()
