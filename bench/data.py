"""Seeded files of customers and events, made quickly by the lake's own engine.

    python -m bench.data customers FILE [--rows 1000000] [--seed 1]
    python -m bench.data events FILE [--rows 1000000] [--people 100000] [--seed 1]

As BENCH says: customers with ten typed traits and two identities; events over twelve months, fifty names by Zipf 1.1,
people's activity by Zipf, five properties, about 350 bytes of JSON. (`bench.lake_data` writes the same kind of people
and history straight into a lake.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

NAMES = ["Product Viewed", "Email Delivered", "Email Opened", "Product Added", "Order Completed"] + [
    f"Thing {n} Done" for n in range(6, 51)
]
CUSTOMER_MAP = """
kind = "customers"

[identities]
email = "email"
phone = "phone"

[traits]
city = "city"
plan = "plan"
language = "language"
segment_code = "segment_code"
age = { column = "age", type = "number" }
balance = { column = "balance", type = "number" }
vip = { column = "vip", type = "boolean" }
signup = { column = "signup", type = "instant" }
born = { column = "born", type = "date" }
tags = { column = "tags", type = "text_list" }
"""


def _engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"memory_limit": "1GB", "threads": "2", "preserve_insertion_order": "true"})


def _write(select: str, path: Path) -> int:
    with _engine() as engine:
        engine.execute("set TimeZone = 'UTC'")
        (rows,) = engine.execute(f"copy ({select}) to '{path}' (format csv, header)").fetchone() or (0,)
    return int(rows)


def customers_csv(path: Path, rows: int = 1_000_000, seed: int = 1) -> int:
    """A CSV of distinct customers in no order; returns how many."""
    h = f"hash(i + {seed} * 1000003, {{}})"
    return _write(
        "select 'person' || k || '@example.com' as email, '+4477' || lpad(k::varchar, 8, '0') as phone, "
        f"'city-' || ({h.format(1)} % 25) as city, 'plan-' || ({h.format(2)} % 10) as plan, "
        f"['en', 'ru', 'zh'][1 + ({h.format(3)} % 3)::int] as language, 's-' || ({h.format(11)} % 1000) as segment_code, "
        f"18 + {h.format(4)} % 70 as age, ({h.format(5)} % 100000)::decimal(9, 2) / 100 as balance, "
        f"{h.format(6)} % 20 = 0 as vip, "
        f"strftime(timestamp '2020-01-01' + to_seconds(({h.format(7)} % 200000000)::bigint), '%Y-%m-%dT%H:%M:%SZ') as signup, "
        f"date '1940-01-01' + ({h.format(8)} % 25000)::int as born, "
        f"'tag-' || ({h.format(9)} % 50) || ';tag-' || ({h.format(10)} % 50) as tags "
        f"from (select i, (i * 7919 + {seed}) % {_prime(rows)} as k from range({rows}) r (i))",
        path,
    )


def events_csv(path: Path, rows: int = 1_000_000, people: int = 100_000, seed: int = 1) -> int:
    """A CSV of events; returns how many."""
    shares = [1 / (n + 1) ** 1.1 for n in range(len(NAMES))]
    places = [name for name, share in zip(NAMES, shares, strict=True) for _ in range(max(1, round(2000 * share / sum(shares))))]
    listed = ", ".join(f"'{name}'" for name in places)
    h = f"hash(i + {seed} * 1000003, {{}})"
    unit = f"({h.format(1)} % 1000000) / 1000000.0"
    return _write(
        f"select 'e-{seed}-' || i as id, ([{listed}])[1 + ({h.format(2)} % {len(places)})::int] as event, "
        f"strftime(timestamp '2025-06-01' + to_seconds(({h.format(3)} % 31536000)::bigint), '%Y-%m-%dT%H:%M:%SZ') as at, "
        f"'person' || least({people} - 1, floor({people} * pow({unit}, 3)))::bigint || '@example.com' as email, "
        f"'order-' || ({h.format(4)} % 1000000) as order_id, 'category-' || ({h.format(5)} % 40) as category, "
        f"'https://shop.example.com/' || md5(i::varchar) || '/' || md5((i + 1)::varchar) as page, "
        f"1 + {h.format(6)} % 5 as quantity, ({h.format(7)} % 10000)::decimal(9, 2) / 100 as price from range({rows}) r (i)",
        path,
    )


def _prime(least: int) -> int:
    """The first prime above: multiplying by another prime modulo it shuffles."""
    found = least + 1
    while any(found % d == 0 for d in range(2, int(found**0.5) + 1)):
        found += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.data")
    parser.add_argument("kind", choices=["customers", "events"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.kind == "customers":
        customers_csv(asked.file, asked.rows, asked.seed)
    else:
        events_csv(asked.file, asked.rows, asked.people, asked.seed)


if __name__ == "__main__":
    main()
