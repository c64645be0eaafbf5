"""Recorded events of some people, as columns: read from the lake once, looked up in memory.

``heard`` is the instant at which the installation learns of an event. An event told within a day of its ``ts`` is heard when it
was received; what was told later (an import of history) counts as told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.events import EventMatch, PropertyFilter, event_relation
from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.awareness.events.values import properties_of
from antiphon.execution.journeys.contract import Bools, Heard, Ints
from antiphon.execution.journeys.rehearsal.columns import Stream
from antiphon.foundation.context import Context

FRESH = 86_400_000_000
"""Microseconds after which what is told of is history, not news."""
KINDS = ("track", "page", "screen")
EPOCH = 946_684_800_000_000


def key_of(name: str, kind: str | None, where: Sequence[PropertyFilter]) -> str:
    """What tells one question for events from another."""
    return msgspec.json.encode([name, kind, where]).decode()


@dataclass
class Wanted:
    """Which events are read: ``names``, of these (``whole``) with their properties, and questions with filters, whose answers
    are columns of truth."""

    names: set[str]
    whole: set[str]
    questions: dict[str, tuple[str, str | None, Sequence[PropertyFilter]]]
    since: datetime | None

    def ask(self, name: str, kind: str | None, where: Sequence[PropertyFilter]) -> None:
        """Read what answers a question."""
        self.names.add(name)
        if where:
            self.questions[key_of(name, kind, where)] = (name, kind, where)

    def ask_match(self, match: EventMatch) -> None:
        """Read the events that are meant, with what tells whether they are."""
        self.ask(match.event, match.kind, match.filters)
        if match.filters:
            self.whole.add(match.event)


class Past:
    """The events of one part of the population, sorted by seat and by when they were heard."""

    def __init__(
        self,
        names: Sequence[str],
        seat: NDArray[Any],
        ts: Ints,
        heard: Ints,
        name: NDArray[Any],
        kind: NDArray[Any],
        properties: NDArray[Any] | None = None,
        answers: Mapping[str, Bools] | None = None,
    ) -> None:
        self.codes = {one: number for number, one in enumerate(names)}
        self.names = list(names)
        self.stream = Stream(seat, heard)
        order = self.stream.order
        self.seat, self.heard = self.stream.seat, self.stream.at
        self.ts: Ints = np.asarray(ts, dtype=np.int64)[order]
        self.name = np.asarray(name, dtype=np.int16)[order]
        self.kind = np.asarray(kind, dtype=np.int8)[order]
        self.properties = None if properties is None else properties[order]
        self.answers = {key: one[order] for key, one in (answers or {}).items()}
        self._streams: dict[str, Stream] = {}
        self._listens: dict[frozenset[str], Ints] = {}

    def __len__(self) -> int:
        return len(self.ts)

    def meant(self, name: str, kind: str | None, where: Sequence[PropertyFilter]) -> Bools:
        """Which events answer a question that was asked when they were read."""
        found: Bools = self.name == self.codes.get(name, -1)
        if kind is not None:
            found &= self.kind == KINDS.index(kind)
        if where:
            found &= self.answers[key_of(name, kind, where)]
        return found

    def happened(self, name: str, where: Sequence[PropertyFilter]) -> Stream:
        """When events of a name happened, of any kind of call."""
        key = key_of(name, None, where)
        if key not in self._streams:
            which = np.flatnonzero(self.meant(name, None, where))
            self._streams[key] = Stream(self.seat[which], self.ts[which])
        return self._streams[key]

    def listen(self, names: frozenset[str]) -> Ints:
        """The places of all events of these names, ascending."""
        if names not in self._listens:
            codes = [self.codes[one] for one in names if one in self.codes]
            self._listens[names] = np.flatnonzero(np.isin(self.name, codes))
        return self._listens[names]

    def following(self, names: frozenset[str], seats: Ints, cursor: Ints, since: Ints) -> Ints:
        """For each the place of the first event of theirs, of these names and at ``cursor`` or behind it, that happened after
        ``since``; -1 where there is none."""
        listed = self.listen(names)
        found = np.full(len(seats), -1, dtype=np.int64)
        todo = np.arange(len(seats))
        here = np.searchsorted(listed, cursor)
        while len(todo):
            inside = here < len(listed)
            todo, here = todo[inside], here[inside]
            event = listed[here]
            own = self.seat[event] == seats[todo]
            todo, here, event = todo[own], here[own], event[own]
            good = self.ts[event] > since[todo]
            found[todo[good]] = event[good]
            todo, here = todo[~good], here[~good] + 1
        return found

    def properties_at(self, place: int) -> dict[str, Any]:
        """The properties of an event, where they were read."""
        return {} if self.properties is None else properties_of(self.properties[place])

    def heard_at(self, place: int, profile: int) -> Heard:
        """An event as steps see it."""
        return Heard(
            name=self.names[self.name[place]], kind=KINDS[self.kind[place]], at=int(self.ts[place]),
            received=int(self.heard[place]), profile=profile, properties=self.properties_at(place),
        )  # fmt: skip


def nothing(wanted: Wanted) -> Past:
    """A past in which nothing happened."""
    none = np.empty(0, dtype=np.int64)
    return Past(sorted(wanted.names), none, none, none, none, none, None, dict.fromkeys(wanted.questions, none > 0))


def foreseen(past: Past, rates: Mapping[str, NDArray[np.float64]], rng: np.random.Generator, since: int, until: int) -> Past:
    """The past, and what people do from ``since`` on: each at their rate a day (by name and seat), at times of day and with
    properties as events of the name had before."""
    seats, tss, sources, codes = [past.seat], [past.ts], [np.arange(len(past))], [past.name]
    for name, rate in sorted(rates.items()):
        code = past.codes[name]
        pool = np.flatnonzero(past.name == code)
        seat = np.repeat(np.arange(len(rate)), rng.poisson(rate * ((until - since) / FRESH)))
        at = since + (rng.random(len(seat)) * (until - since)).astype(np.int64)
        source = np.full(len(seat), -1, dtype=np.int64)
        if len(pool):
            source = pool[rng.integers(0, len(pool), len(seat))]
            at = np.maximum(since, at // FRESH * FRESH + past.ts[source] % FRESH)
        seats, tss, sources = [*seats, seat], [*tss, at], [*sources, source]
        codes.append(np.full(len(seat), code, dtype=np.int16))
    ts, source = np.concatenate(tss), np.concatenate(sources)
    heard = np.concatenate((past.heard, ts[len(past) :]))
    known, safe = source >= 0, np.maximum(source, 0)
    empty = not len(past)
    kind = np.zeros(len(ts), dtype=np.int8) if empty else np.where(known, past.kind[safe], 0).astype(np.int8)
    properties = None
    if past.properties is not None:
        properties = np.full(len(ts), None, dtype=object)
        properties[known] = past.properties[source[known]]
    answers = {key: np.zeros(len(ts), bool) if empty else known & one[safe] for key, one in past.answers.items()}
    return Past(past.names, np.concatenate(seats), ts, heard, np.concatenate(codes), kind, properties, answers)


async def read_past(ctx: Context, wanted: Wanted, ids: Ints, *, merged: bool) -> Past:
    """Read the events of these people (ids ascending)."""
    names = sorted(wanted.names)
    if not names or not len(ids):
        return nothing(wanted)
    properties = Properties()
    tests = {}
    for key, (name, kind, where) in wanted.questions.items():
        also = [f"name = {literal(name)}"] + ([f"kind = {literal(kind)}"] if kind is not None else [])
        tests[key] = " and ".join(also + [filter_sql(one, properties) for one in where])
    deep = sorted(wanted.whole | {name for name, _, _ in wanted.questions.values()})
    columns = ("profile_id", "ts", "received_at", "seq", "name", "kind") + (("properties",) if deep else ())
    carried = "profile_id, ts, received_at, seq, name, kind" + (", properties" if wanted.whole else "")
    # what was of somebody who was merged away is found only after it is known whose it is now
    within = None if merged else (int(ids[0]), int(ids[-1]))
    relation = event_relation(columns, names=names, since=wanted.since, within=within)
    rows = f"select {', '.join(columns)} from {relation} where profile_id is not null"
    tables = None
    if not merged and len(ids) * 2 < ids[-1] - ids[0]:
        rows += " and profile_id in (select id from wanted_people)"
        tables = {"wanted_people": {"id": ids}}
    person, join = "e.profile_id", ""
    if merged:
        join = " left join postgres_query('pg', 'select from_id, to_id from alias') a on a.from_id = e.profile_id"
        person = "coalesce(a.to_id, e.profile_id)"
    listed = ", ".join(literal(one) for one in names)
    said = "".join(f", coalesce({test}, false) as f{number}" for number, test in enumerate(tests.values()))
    if wanted.whole:
        whole = ", ".join(literal(one) for one in sorted(wanted.whole))
        said += f", case when name in ({whole}) then properties end as properties"
    source = properties.select(rows, carried) if properties.paths else f"({rows})"
    sql = (
        f"select {person}::bigint as profile_id, epoch_us(ts)::bigint - {EPOCH} as ts,"
        f" epoch_us(received_at)::bigint - {EPOCH} as got, (list_position([{listed}], name) - 1)::smallint as name,"
        f" (list_position(['track', 'page', 'screen'], kind) - 1)::tinyint as kind{said} from {source} e{join} order by got, seq"
    )  # fmt: skip
    found = await ctx.lake.columns(sql, timeout=600, tables=tables)
    profile = np.asarray(found["profile_id"], dtype=np.int64)
    seat = np.searchsorted(ids, profile)
    mine = np.flatnonzero((seat < len(ids)) & (ids[np.minimum(seat, len(ids) - 1)] == profile))
    ts, got = (np.asarray(found[one], dtype=np.int64)[mine] for one in ("ts", "got"))
    heard = np.where((got - ts <= FRESH) & (got >= ts), got, ts)
    return Past(
        names, seat[mine].astype(np.int32), ts, heard, np.asarray(found["name"])[mine], np.asarray(found["kind"])[mine],
        np.asarray(found["properties"], dtype=object)[mine] if wanted.whole else None,
        {key: np.asarray(found[f"f{number}"], dtype=np.bool_)[mine] for number, key in enumerate(tests)},
    )  # fmt: skip
