"""A published version under another subject, for who tries several: it has the same words and the same links."""

from __future__ import annotations

from datetime import datetime

import msgspec

from antiphon.execution.content import store
from antiphon.execution.content.compile import compile_source
from antiphon.execution.content.errors import TemplateVersionUnknown
from antiphon.foundation.postgres import Connection


async def under_subject(conn: Connection, version_id: int, subject: str, now: datetime) -> int:
    """The version that says the same under this subject (Liquid, as any); made at the first call. Raises TemplateInvalid for a
    subject that is none, and TemplateVersionUnknown."""
    row = await store.find_version(conn, version_id)
    if row is None:
        raise TemplateVersionUnknown(version=version_id)
    if row.subject == subject:
        return version_id
    compiled = compile_source(msgspec.structs.replace(row.source, subject=subject))
    made = await store.add_variant(conn, version_id, subject, now=now)
    if compiled.urls:
        await store.insert_links(conn, made, compiled.urls)
    return made
