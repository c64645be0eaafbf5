"""A large file with a broken line in its middle: uploaded and checked while memory stays where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
from tests.awareness.test_imports_http import MAP

from antiphon.awareness.imports.loading import JOBS
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.lake import LakeClient

MEGABYTES = 24
MOST_GROWTH = 12  # MB: blocks under way, not a part of the file
_LINE = "person{:07d}@example.org;Customer with a rather long name number {:07d} of many;plan-{:05d}\n"


def resident() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


async def blocks(megabytes: int, seen: list[float]) -> AsyncIterator[bytes]:
    """The file as it is made, in blocks of about 64 KB; the line in its middle opens a quote that nothing closes."""
    yield b"E-mail;Name;Plan\n"
    size = number = 0
    broken = False
    while size < megabytes << 20:
        lines = "".join(_LINE.format(n, n, n % 100) for n in range(number, number + 600))
        number += 600
        if size > megabytes << 19 and not broken:
            broken = True
            lines += 'broken@example.org;"an open quote;red\n'
        size += len(lines)
        yield lines.encode()
        seen.append(resident())


async def test_a_large_file_with_a_broken_line_streams_through(ctx: Context, lake: LakeClient, client: httpx.AsyncClient) -> None:
    register_kinds(JOBS)

    async def upload(megabytes: int) -> tuple[int, float]:
        seen: list[float] = []
        answer = await client.post("/v1/imports/files", params={"name": "people.csv"}, content=blocks(megabytes, seen))
        assert answer.status_code == 201, answer.text
        assert answer.json()["size"] > megabytes << 20
        return int(answer.json()["id"]), max(seen)

    _, before = await upload(1)  # whatever is loaded once is loaded now
    file_id, peak = await upload(MEGABYTES)
    assert peak - before < MOST_GROWTH
    begun = await client.post("/v1/imports", json={"file_id": file_id, "map": MAP, "dry_run": True})
    assert begun.status_code == 201, begun.text
    while await run_one(ctx):
        pass
    done: dict[str, Any] = (await client.get(f"/v1/imports/{begun.json()['id']}")).json()
    assert done["error"] is None
    assert (done["state"], done["refused"], done["reasons"][0]["code"]) == ("done", 1, "broken-line")
    assert done["rows"] * len(_LINE.format(1, 1, 1)) > (MEGABYTES - 1) << 20
    errors = (await client.get(f"/v1/imports/{done['id']}/errors")).text
    assert "a quote is opened and never closed" in errors and "broken@example.org" in errors
    assert resident() - before < MOST_GROWTH
