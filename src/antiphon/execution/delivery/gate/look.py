"""Reading what the gate must know of a set of people: columns, a few statements for the whole set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.execution.delivery.model import ADDRESS_RULES, ANY_ADDRESS, Dispatch
from antiphon.foundation.postgres import Connection, load_queries, tuple_row
from antiphon.foundation.postgres.binary import Packed, bigints, instants, ints, numbers_of, texts

SQL = load_queries(Path(__file__).with_name("queries.sql"))
Ints = NDArray[np.int64]

QUICK_RULES: Mapping[str, str] = {
    "email": r'^[^\s@<>(),;:\[\]\\"]+@([^\s@.<>(),;:\[\]\\"]+\.)+[^\s@.<>(),;:\[\]\\"][^\s@.<>(),;:\[\]\\"]+$',
}
"""The address rules without their bounds, for addresses so short that no part can be too long."""


@dataclass(slots=True)
class Facts:
    """What is known of a set, one place for each intent; `person`: whose id theirs is by now."""

    person: Ints
    address: Packed  # text[]
    reach: Ints
    blocked: Ints
    consent: Ints
    zone: Sequence[str | None]
    twice: NDArray[np.bool_]
    state: str | None = None  # the dispatch's, when it is stored
    version: int = 0
    universal_at: datetime | None = None
    waiting: frozenset[int] = frozenset()  # of the deliveries asked about, those in the queue
    quiet: dict[int, str] = field(default_factory=dict)
    frequency: dict[int, str] = field(default_factory=dict)
    channel: dict[int, str] = field(default_factory=dict)
    paused: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Contacts:
    """When people were written: ``owner`` is a place in the set."""

    owner: Ints
    at: Ints
    kind: Ints
    delivery: Ints | None = None


_wishes = msgspec.json.Decoder(list[tuple[int, str, str]]).decode
_ASPECTS = {"quiet_hours": "quiet", "frequency": "frequency", "channel": "channel", "paused_until": "paused"}


async def look(
    conn: Connection,
    dispatch: Dispatch,
    profile_ids: Sequence[int],
    addresses: Sequence[str],
    *,
    identity: str,
    digest_key: bytes,
    now: datetime,
    zoned: bool,
    aspects: Sequence[str],
    delivery_ids: Sequence[int] = (),
) -> Facts:
    """The facts of a set. ``zoned``: people's time zones are wanted; ``aspects``: which of their wishes. ``delivery_ids``, as
    long as the set: which of them are in the queue still is wanted as well."""
    params = {
        "profile_ids": bigints(profile_ids), "addresses": texts(addresses), "identity": identity, "digest_key": digest_key,
        "address_rule": ADDRESS_RULES.get(identity, ANY_ADDRESS), "now": now, "zoned": zoned,
        "quick_rule": QUICK_RULES.get(identity, ADDRESS_RULES.get(identity, ANY_ADDRESS)),
        "needs_consent": dispatch.rules.needs_consent, "channel": dispatch.channel, "topic": dispatch.topic,
        "campaign_id": dispatch.campaign_id, "occurrence": dispatch.occurrence, "hop": dispatch.hop, "dispatch_id": dispatch.id,
        "aspects": list(aspects), "delivery_ids": bigints(delivery_ids),
    }  # fmt: skip
    async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
        row = await (await cur.execute(SQL.look, params)).fetchone()
        assert row is not None
        version, universal_at, state, waiting, wishes, person, address, reach, blocked, consent, zone, twice = row
    facts = Facts(
        person=numbers_of(person), address=Packed(address or b""), reach=numbers_of(reach), blocked=numbers_of(blocked),
        consent=numbers_of(consent), zone=zone or (), twice=numbers_of(twice) > 0, state=state, version=version,
        universal_at=universal_at, waiting=frozenset(waiting or ()),
    )  # fmt: skip
    for place, aspect, value in _wishes(wishes) if wishes else ():
        getattr(facts, _ASPECTS[aspect])[place] = value
    return facts


async def contacts(
    conn: Connection, facts: Facts, places: Ints, at: Ints, back: Ints, ahead: int, kinds: Sequence[int], *, before: bool = False
) -> Contacts:
    """When the people at these places were written, from ``back`` microseconds before ``at`` to ``ahead`` after it."""
    params = {
        "person_ids": bigints(facts.person[places]), "places": ints(places), "since": instants(at - back),
        "until": instants(at + ahead), "kinds": list(kinds),
    }  # fmt: skip
    async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
        row = await (await cur.execute(SQL.contacts_before if before else SQL.contacts, params)).fetchone()
    assert row is not None
    return Contacts(*map(numbers_of, row))


def span(length: timedelta) -> int:
    """A length of time in microseconds."""
    return int(length.total_seconds() * 1_000_000)
