"""How some people can be written to, read from the tables of consent and profiles."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from antiphon.awareness.segments.model import Surroundings
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("contacts.sql"))


class Contact(Struct):
    """One person's consents by (channel, topic), addresses by channel, and the channels whose address is suppressed."""

    consents: dict[tuple[str, str], str] = {}
    addresses: dict[str, str] = {}
    suppressed: frozenset[str] = frozenset()


async def topics(conn: Connection) -> frozenset[str]:
    """Return the names of all topics."""
    return frozenset(row[0] for row in await (await conn.execute(SQL.topics)).fetchall())


async def contacts(conn: Connection, ids: Sequence[int], around: Surroundings) -> dict[int, Contact]:
    """Return the contact of each of some profiles."""
    found = {one: Contact() for one in ids}
    channels, kinds = list(around.channels), list(around.channels.values())
    params = {"ids": list(ids), "channels": channels, "kinds": kinds, "digest_key": around.digest_key}
    for profile, channel, topic, state in await (await conn.execute(SQL.consents, params)).fetchall():
        found[profile].consents[channel, topic] = state
    for profile, channel, address, suppressed in await (await conn.execute(SQL.addresses, params)).fetchall():
        found[profile].addresses[channel] = address
        if suppressed:
            found[profile].suppressed |= {channel}
    return found
