"""Customers and their history straight into the lake, seeded: what a long life of the installation would have left there.

Profiles with ten typed traits; events over twelve months before `NOW`, fifty names by Zipf 1.1, people's activity by
Zipf, five properties, about 350 bytes of JSON. The latest events are hot: rows of PostgreSQL the lake does not hold yet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from antiphon.foundation.lake import LakeClient
from antiphon.foundation.postgres import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2025, 6, 1, tzinfo=UTC)
NAMES = ["Product Viewed", "Email Delivered", "Email Opened", "Product Added", "Order Completed"] + [
    f"Thing {n} Done" for n in range(6, 51)
]
TRAITS = {
    "city": ("text", "'city-' || (hash(i, 1) % 25)"),
    "plan": ("text", "'plan-' || (hash(i, 2) % 10)"),
    "language": ("text", "['en', 'ru', 'zh'][1 + (hash(i, 3) % 3)::int]"),
    "age": ("number", "(18 + hash(i, 4) % 70)::double"),
    "balance": ("number", "((hash(i, 5) % 100000) / 100)::double"),
    "vip": ("boolean", "hash(i, 6) % 20 = 0"),
    "signup": ("instant", "timestamptz '2020-01-01 00:00:00+00' + to_seconds((hash(i, 7) % 200000000)::bigint)"),
    "born": ("date", "date '1940-01-01' + (hash(i, 8) % 25000)::int"),
    "tags": ("text_list", "['tag-' || (hash(i, 9) % 50), 'tag-' || (hash(i, 10) % 50)]"),
    "segment_code": ("text", "'s-' || (hash(i, 11) % 1000)"),
}
LAKE_TYPES = {
    "text": "varchar", "number": "double", "boolean": "boolean", "instant": "timestamptz", "date": "date",
    "text_list": "varchar[]",
}  # fmt: skip
PER_INSERT = 1_500_000
_PLACES = 2000  # the share of a name is told in so many parts


def _names() -> list[str]:
    """Each name as often as its share of _PLACES."""
    weights = [1 / rank**1.1 for rank in range(1, len(NAMES) + 1)]
    places, reached = [], 0.0
    for name, weight in zip(NAMES, weights, strict=True):
        reached += weight / sum(weights) * _PLACES
        places += [name] * (round(reached) - len(places))
    return places


def _rows(first: int, last: int, profiles: int, since: datetime, until: datetime) -> str:
    """Events numbered from `first` to before `last`, spread over a time."""
    micros = (until - since) // timedelta(microseconds=1)
    person = f"(floor(pow(hash(i, 21) / 18446744073709551616.0, 2.5) * {profiles})::bigint * 7919 % {profiles}) + 1"
    return f"""
        select 0::smallint as lane, i as seq, ts as received_at, ts, {person} as profile_id,
            $names[1 + (hash(i, 22) % {_PLACES})::int] as name, 'track' as kind, 'm' || i as message_id, 1 as source_id,
            '{{"total": ' || (hash(i, 23) % 50000) / 100 || ', "category": "category-' || (hash(i, 24) % 40)
            || '", "sku": "sku-' || (hash(i, 25) % 5000) || '", "quantity": ' || (1 + hash(i, 26) % 5)
            || ', "note": "' || repeat(md5(i::varchar), 8) || '"}}' as properties
        from (select i, timestamptz '{since.isoformat()}' + to_microseconds((hash(i, 20) % {micros})::bigint) as ts
              from range({first}, {last}) t(i))"""


async def fill(lake: LakeClient, db: Database, *, profiles: int, events: int, hot: int, say: Callable[[str], None]) -> None:
    """Write everything; the lake should have a few gigabytes of memory for it."""
    names = _names()
    columns = ", ".join(f"add column t_{name} {LAKE_TYPES[kind]}" for name, (kind, _) in TRAITS.items())
    await lake.script([f"alter table lake.profile {part}" for part in columns.split(", ")])
    values = ", ".join(f"{sql} as t_{name}" for name, (_, sql) in TRAITS.items())
    at = f"timestamptz '{START.isoformat()}'"
    instants = ", ".join(f"{at} as {column}" for column in ("created_at", "updated_at", "first_seen", "last_seen"))
    made = f"select i as profile_id, {instants}, {values} from range(1, {profiles + 1}) t(i) order by i"
    await lake.script([f"insert into lake.profile by name {made}"], timeout=3600)
    say(f"{profiles:,} profiles")
    parts = max(12, -(-events // PER_INSERT))
    step = (NOW - START) / parts
    for part in range(parts):
        first, last = 1 + part * events // parts, 1 + (part + 1) * events // parts
        rows = _rows(first, last, profiles, START + step * part, START + step * (part + 1))
        sql = f"insert into lake.event by name select * from ({rows}) order by name, ts"
        await lake.script([(sql, {"names": names})], timeout=3600)
        say(f"{last - 1:,} of {events:,} events")
    await lake.script([f"insert into lake.watermark values (0, {events})"])
    await _fill_hot(lake, db, profiles, events, hot)
    say(f"{hot:,} hot events")


async def _fill_hot(lake: LakeClient, db: Database, profiles: int, events: int, hot: int) -> None:
    """The registry of traits, and the events of the last hours, which only PostgreSQL has."""
    since = NOW - timedelta(hours=4)
    rows = _rows(events + 1, events + hot + 1, profiles, since, NOW)
    found = await lake.columns(rows, {"names": _names()}, timeout=600)
    micros = found["ts"].astype("datetime64[us]").astype("int64").tolist()
    times = [datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(microseconds=at % 1_000_000) for at in micros]
    ready = list(zip(*(found[key].tolist() for key in ("seq", "profile_id", "name", "properties")), times, strict=True))
    async with db.transaction() as conn:
        for name, (kind, _) in TRAITS.items():
            sql = "insert into trait (name, type, column_name, first_seen) values (%s, %s, %s, %s)"
            await conn.execute(sql, (name, kind, f"t_{name}", NOW))
        await conn.execute("insert into source (id, name) values (1, 'Bench')")
        await conn.execute("select ensure_day('event', %s)", (since.date(),))
    copied = "copy event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties) from stdin"
    for start in range(0, len(ready), 20_000):
        async with db.transaction() as conn, conn.cursor() as cursor, cursor.copy(copied) as copy:
            for seq, person, name, properties, at in ready[start : start + 20_000]:
                await copy.write_row((0, seq, at, at, person, name, "track", f"m{seq}", 1, properties))
    async with db.connection() as conn:
        await conn.execute("vacuum analyze event")
