"""Compiled versions, kept at hand for whoever sends them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.execution.content import store
from antiphon.execution.content.compile import CompiledTemplate, compile_source
from antiphon.execution.content.errors import TemplateVersionUnknown
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

KEPT = 256  # compiled versions a process keeps


class Templates:
    """Compiled published versions, the most recently used ones. One object a process."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[int, CompiledTemplate] = OrderedDict()

    async def compiled(self, conn: Connection, version_id: int) -> CompiledTemplate:
        """A version ready to render, with its links' ids. Raises `TemplateVersionUnknown`, `TemplateInvalid`."""
        known = self._compiled.get(version_id)
        if known is not None:
            self._compiled.move_to_end(version_id)
            return known
        row = await store.find_version(conn, version_id)
        if row is None:
            raise TemplateVersionUnknown(version=version_id)
        compiled = compile_source(row.source)
        if row.state == "draft":
            return compiled  # it may still change, and its links have no rows
        compiled.with_links(await store.list_links(conn, version_id))
        self._compiled[version_id] = compiled
        if len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        return compiled


@asynccontextmanager
async def open_templates(ctx: Context) -> AsyncIterator[Templates]:
    """The resource."""
    yield Templates()
