"""Metrics of the whole installation: each process leaves its own in PostgreSQL, and any api process tells all of them."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client import Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from antiphon.foundation.context import Context
from antiphon.foundation.postgres import load_queries
from antiphon.foundation.rooms import Resource
from antiphon.foundation.telemetry import get_logger, registry

SQL = load_queries(Path(__file__).with_name("queries.sql"))
log = get_logger(__name__)
PERIOD = 5.0  # seconds between two notes of a process
_TOKEN = re.compile(r"-.{6}$")


class MetricsBoard:
    """Where this process leaves its metrics; `ctx.get(MetricsBoard)`."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def note(self) -> None:
        """Leave this process's metrics of now."""
        body = zlib.compress(generate_latest(registry), 1)
        async with self._ctx.db.connection() as conn:
            await conn.execute(SQL.note_metrics, {"node": self._ctx.node, "body": body})

    async def read(self) -> bytes:
        """The metrics of every living process, each sample labelled with its `process`."""
        await self.note()
        async with self._ctx.db.connection() as conn:
            rows = await (await conn.execute(SQL.read_metrics)).fetchall()
        return merge({node: zlib.decompress(body).decode() for node, body in rows})

    async def forget(self) -> None:
        """This process ends."""
        async with self._ctx.db.connection() as conn:
            await conn.execute(SQL.forget_metrics, {"node": self._ctx.node})


class _Merged(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def merge(texts: Mapping[str, str]) -> bytes:
    """One exposition of several, by node; the random end of a node's name is left out of its label."""
    families: dict[str, Metric] = {}
    for node, text in sorted(texts.items()):
        process = _TOKEN.sub("", node)
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                merged.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
    whole = CollectorRegistry(auto_describe=False)
    whole.register(_Merged(families.values()))
    return generate_latest(whole)


async def _keep(board: MetricsBoard) -> None:
    while True:
        try:
            await board.note()
        except Exception as failed:
            log.warning("metrics not noted", error=repr(failed))
        await asyncio.sleep(PERIOD)


@asynccontextmanager
async def open_board(ctx: Context) -> AsyncIterator[MetricsBoard]:
    """Leave this process's metrics while it lives."""
    board = MetricsBoard(ctx)
    keeping = asyncio.create_task(_keep(board), name="metrics")
    try:
        yield board
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        with suppress(Exception):
            await board.forget()


BOARD = Resource(MetricsBoard, open_board, frozenset({"api", "worker"}))
