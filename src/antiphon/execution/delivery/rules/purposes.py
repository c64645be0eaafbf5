"""What messages may be for: the house's own purposes, and those people add. One that is archived is offered to nobody any
more; what has it keeps it, with its rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from antiphon.execution.delivery.rules import store
from antiphon.execution.delivery.rules.model import Purpose, PurposeExists, PurposeUnknown, RuleInvalid
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

OF_A_CLASS = "one_time_code"
"""The purpose of a class: it stays."""
MOST = 200


async def add(conn: Connection, who: Principal, title: str, name: str | None) -> Purpose:
    """A purpose of people's own, after the others; what is not said of its channels is allowed. Without a name it is called as
    its title sounds. Raises PurposeExists, RuleInvalid."""
    title = title.strip()
    if not title:
        raise RuleInvalid("A purpose has a title", field="title")
    known = {one.name: one for one in await store.list_purposes(conn)}
    if len(known) >= MOST:
        raise RuleInvalid(f"At most {MOST} purposes", field="title")
    if name is not None and name in known:
        raise PurposeExists(field="name", name=name)
    _is_free(title, known.values())
    name = name or _named(title, set(known))
    await store.add_purpose(conn, name, title)
    return await _changed(conn, who, name, None)


async def change(ctx: Context, conn: Connection, who: Principal, name: str, *, title: str, archived: bool) -> Purpose:
    """Call it otherwise, archive it or offer it again. Raises PurposeUnknown, PurposeExists, RuleInvalid."""
    every = await store.list_purposes(conn)
    before = next((one for one in every if one.name == name), None)
    if before is None:
        raise PurposeUnknown(field="name", purpose=name)
    title = title.strip()
    if not title:
        raise RuleInvalid("A purpose has a title", field="title")
    if archived and name == OF_A_CLASS:
        raise RuleInvalid("Codes are always for this", field="archived")
    if title != before.title:
        _is_free(title, [one for one in every if one.name != name])
    at = (before.archived_at or ctx.clock.now()) if archived else None
    await store.change_purpose(conn, name, title, before.renamed or title != before.title, at)
    return await _changed(conn, who, name, before)


def _is_free(title: str, others: Iterable[Purpose]) -> None:
    for one in others:
        if one.title.casefold() == title.casefold():
            raise PurposeExists(field="title", name=title)


def _named(title: str, taken: set[str]) -> str:
    """A name of letters, as `order_status`, that nobody has."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:34]
    if not stem or not stem[0].isalpha():
        stem = f"purpose_{stem}".strip("_")[:34]
    return next(one for one in (stem, *(f"{stem}_{n}" for n in range(2, MOST + 3))) if one not in taken)


async def _changed(conn: Connection, who: Principal, name: str, before: Purpose | None) -> Purpose:
    await store.touch_rules(conn)
    after = next(one for one in await store.list_purposes(conn) if one.name == name)
    await audit(conn, who, action="delivery.purpose", subject=f"purpose:{name}", before=before, after=after)
    return after
