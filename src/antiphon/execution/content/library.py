"""Compiled versions, for whoever sends them."""

from __future__ import annotations

from antiphon.execution.content import store
from antiphon.execution.content.compile import CompiledTemplate, compile_source
from antiphon.execution.content.errors import TemplateVersionUnknown
from antiphon.foundation.postgres import Connection


async def load_compiled(conn: Connection, version_id: int) -> CompiledTemplate:
    """A version ready to render, with its links' ids if it is published. It never changes then: keep it.

    Raises `TemplateVersionUnknown`, `TemplateInvalid`.
    """
    row = await store.find_version(conn, version_id)
    if row is None:
        raise TemplateVersionUnknown(version=version_id)
    compiled = compile_source(row.source)
    return compiled.with_links(await store.list_links(conn, version_id)) if row.state == "published" else compiled
