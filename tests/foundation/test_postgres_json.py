"""JSON of PostgreSQL, whose numbers may be beyond all measure."""

from __future__ import annotations

import math

import pytest

from antiphon.foundation.postgres import Database, read_json

pytestmark = pytest.mark.store


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ("1" + "0" * 400, 10**400),
        ("1" + "0" * 31_000, math.inf),
        ("[-1" + "0" * 31_000 + "]", [-math.inf]),
        ("1" + "0" * 400 + ".5", math.inf),
        ('{"a": "1e400"}', {"a": "1e400"}),
    ],
)
async def test_any_number_is_read(db: Database, text: str, value: object) -> None:
    assert read_json(text) == read_json(text.encode()) == value
    async with db.connection() as conn:
        for binary in (False, True):
            rows = await (await conn.execute("select %s::jsonb, %s::json", (text, text), binary=binary)).fetchall()
            assert rows == [(value, value)]
