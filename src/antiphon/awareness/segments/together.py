"""The truth of a tree for some people now, told by what is true at this moment and not by a segment's last refresh.

For whoever moves people in sets: a few statements for all of them, on the caller's connection, whatever was written there
before. Conditions on traits are worked out once for each value there is; of conditions on events each person's own are read,
from PostgreSQL where it still holds all that the windows reach back to, else from the lake's copy sorted by profile.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.values import properties_of
from antiphon.awareness.segments import store
from antiphon.awareness.segments.asked import about_tree, traits_of
from antiphon.awareness.segments.check import Happened, Person, trait_holds
from antiphon.awareness.segments.contact import contact_holds
from antiphon.awareness.segments.contacts import contacts
from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.evaluate import BUILT_IN, Known
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Lookalike,
    Near,
    Reachable,
    Sequence as Order,
    Share,
)
from antiphon.awareness.segments.leaves import reads_properties, reads_since, sources
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.measures import compares, counted, measure
from antiphon.awareness.segments.model import (
    And,
    Condition,
    EventCondition,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    TraitCondition,
    conditions,
)
from antiphon.awareness.segments.moments import time_holds
from antiphon.awareness.segments.people import profile_holds
from antiphon.awareness.segments.sequences import sequence_of
from antiphon.awareness.traits import typed
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, load_queries, read_json
from antiphon.foundation.postgres.binary import bigints

SQL = load_queries(Path(__file__).with_name("together.sql"))
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
LAKE_SET = 5_000
"""People asked about in one question to the lake."""
LAKE_SECONDS = 10.0
_decode = read_json


async def holds_for(ctx: Context, conn: Connection, tree: Node, ids: Ints, now: datetime) -> Bools:
    """Of which of these profiles a tree holds at ``now``, in their order; a merged one counts as who it is by now.

    Agrees with `check.Checker`. Raises InvalidTree for a tree that speaks of a trait or segment there is not.
    """
    if not len(ids):
        return np.zeros(0, dtype=np.bool_)
    about = await about_tree(ctx, conn, tree)
    return await _People(ctx, conn, about, np.asarray(ids, dtype=np.int64), now).holds(tree)


class _People:
    """A set of people, of whom everything is read once, when it is asked for."""

    def __init__(self, ctx: Context, conn: Connection, about: Known, ids: Ints, now: datetime) -> None:
        self.ctx, self.conn, self.about, self.now = ctx, conn, about, now
        self.asked = ids
        self.ids = ids
        """Who they are by now."""
        self._texts: dict[str, Sequence[str | None]] = {}
        self._segments: dict[int, Bools] = {}
        self._lives: list[list[Happened]] | None = None
        self._contacts: list[Person] | None = None
        self._leaves: dict[bytes, Bools] = {}

    async def holds(self, tree: Node) -> Bools:
        """Read what the tree asks, then judge."""
        leaves = list(conditions(tree, self.about.segments))
        await self._read_rows(sorted({name for leaf in leaves for name in traits_of(leaf)}))
        told = [leaf for leaf in leaves if isinstance(leaf, EventCondition | EventTime | Order | Engagement)]
        if told:
            self._lives = await self._read_events(told)
        return await self._node(tree)

    async def _node(self, node: Node) -> Bools:
        match node:
            case And(of=of):
                every = np.ones(len(self.ids), dtype=np.bool_)
                for part in of:
                    every &= await self._node(part)
                return every
            case Or(of=of):
                some = np.zeros(len(self.ids), dtype=np.bool_)
                for part in of:
                    some |= await self._node(part)
                return some
            case Not(of=one):
                return ~await self._node(one)
            case InSegment(id=ref):
                if ref not in self._segments:
                    inner = self.about.segments[ref]
                    self._segments[ref] = await (self._listed(ref) if inner is None else self._node(inner))
                return self._segments[ref].copy()
            case _:
                key = msgspec.json.encode(node)
                if key not in self._leaves:
                    self._leaves[key] = await self._leaf(node)
                return self._leaves[key].copy()

    async def _leaf(self, node: Condition) -> Bools:
        match node:
            case TraitCondition():
                column = self.about.traits[node.trait]

                def of_trait(_: int, text: str | None) -> bool:
                    value = None if text is None else typed(_decode(text), column.type)
                    return trait_holds(node, value, column, self.now)

                return self._by_values(of_trait, [node.trait])
            case Age() | Anniversary() | Length() | Near():
                names = [name for name in traits_of(node) if name in self._texts]

                def of_profile(_: int, *texts: str | None) -> bool:
                    traits = {name: _decode(text) for name, text in zip(names, texts, strict=True) if text is not None}
                    return profile_holds(node, Person(0, traits, []), self.about.traits, self.now)[0]

                return self._by_values(of_profile, names)
            case Share():
                traits, now = self.about.traits, self.now
                return self._one_by_one(lambda person: profile_holds(node, person, traits, now)[0], self._plain())
            case EventCondition() | EventTime() | Order() | Engagement():
                return self._by_lives(_of_events(node, self.now))
            case ConsentIs() | Reachable():
                if self._contacts is None:
                    self._contacts = await self._read_contacts()
                return self._one_by_one(lambda person: contact_holds(node, person)[0], self._contacts)
            case Profiles(ids=listed):
                return np.isin(self.ids, np.asarray(listed, dtype=np.int64))
            case Lookalike(id=ref, percent=percent):
                return _among(await self.ctx.get(Lookalikes).find(self.ctx, ref, percent, self.now), self.ids)
            case _:
                assert_never(node)

    def _by_values(self, test: Callable[..., bool], names: Sequence[str]) -> Bools:
        """A test of some traits, made once for each set of values there is."""
        known: dict[Hashable, bool] = {}
        found = np.empty(len(self.ids), dtype=np.bool_)
        if len(names) == 1:
            for place, text in enumerate(self._texts[names[0]]):
                held = known.get(text)
                if held is None:
                    held = known[text] = test(place, text)
                found[place] = held
            return found
        for place, texts in enumerate(zip(*(self._texts[name] for name in names), strict=True)):
            held = known.get(texts)
            if held is None:
                held = known[texts] = test(place, *texts)
            found[place] = held
        return found

    def _by_lives(self, test: Callable[[list[Happened]], bool]) -> Bools:
        """A test of what each did; of those who did nothing, once."""
        assert self._lives is not None
        of_nothing = test([])
        return np.fromiter((test(life) if life else of_nothing for life in self._lives), dtype=np.bool_, count=len(self.ids))

    def _one_by_one(self, test: Callable[[Person], bool], people: Iterable[Person]) -> Bools:
        return np.fromiter((test(person) for person in people), dtype=np.bool_, count=len(self.ids))

    def _plain(self) -> Iterable[Person]:
        return (Person(one, {}, []) for one in self.ids.tolist())

    async def _read_rows(self, names: Sequence[str]) -> None:
        """Who they are by now, and the traits that are asked about, as JSON."""
        kept = [name for name in names if name in self.about.traits and name not in BUILT_IN]
        params = {"ids": bigints(self.asked), "names": kept}
        if self.about.merged:
            row = await (await self.conn.execute(SQL.real_ids, params, binary=True)).fetchone()
            assert row is not None
            self.ids = np.asarray(row[0], dtype=np.int64)
            params["ids"] = bigints(self.ids)
        if kept:
            for name, texts in await (await self.conn.execute(SQL.traits, params, binary=True)).fetchall():
                self._texts[name] = texts
        if any(name in BUILT_IN for name in names):
            row = await (await self.conn.execute(SQL.instants, params, binary=True)).fetchone()
            assert row is not None
            for name, ats in zip(("$created_at", "$first_seen", "$last_seen"), row, strict=True):
                self._texts[name] = [None if at is None else f'"{at.isoformat()}"' for at in ats]

    async def _listed(self, ref: int) -> Bools:
        found = await store.read_members(self.conn, [ref])
        return _among(found[ref][1] if ref in found else BitMap(), self.ids)

    async def _read_contacts(self) -> list[Person]:
        found = await contacts(self.conn, sorted(set(self.ids.tolist())), self.about.around)
        return [
            Person(one, {}, [], consents=its.consents, addresses=its.addresses, suppressed=its.suppressed)
            for one in self.ids.tolist()
            for its in (found[one],)
        ]

    async def _read_events(self, leaves: Sequence[Condition]) -> list[list[Happened]]:
        """Each one's events of the names that are asked about, in order."""
        names = sorted({name for leaf in leaves for name in sources(leaf) or ()})
        sinces = [reads_since(leaf, self.now) for leaf in leaves]
        since = None if None in sinces else min(one for one in sinces if one is not None)
        whose = await self._every_id()
        if await self._is_hot(since):
            rows = await self._hot(sorted(whose), names, since, any(reads_properties(leaf) for leaf in leaves))
        else:
            rows = await self._cold(sorted(whose), names, since)
        lives: dict[int, list[Happened]] = {one: [] for one in self.ids.tolist()}
        for profile, ts, name, text in rows:
            lives[whose[profile]].append(Happened(ts, name, properties_of(text)))
        return [lives[one] for one in self.ids.tolist()]

    async def _every_id(self) -> Mapping[int, int]:
        """Every id of theirs, and who that is."""
        whose = {one: one for one in self.ids.tolist()}
        if self.about.merged:
            whose |= dict(await (await self.conn.execute(SQL.merged_into, {"ids": bigints(self.ids)})).fetchall())
        return whose

    async def _is_hot(self, since: datetime | None) -> bool:
        """Whether PostgreSQL holds everything that happened since then: an event is received when it happened, or later."""
        row = await (await self.conn.execute(SQL.hot_since)).fetchone()
        assert row is not None
        dropped, oldest = row
        return not dropped or (since is not None and oldest is not None and since >= oldest)

    async def _hot(self, ids: Sequence[int], names: Sequence[str], since: datetime | None, said: bool) -> list[tuple[Any, ...]]:
        params = {"ids": bigints(ids), "names": list(names), "since": since, "said": said}
        return await (await self.conn.execute(SQL.hot_events, params, binary=True)).fetchall()

    async def _cold(self, ids: Sequence[int], names: Sequence[str], since: datetime | None) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for first in range(0, len(ids), LAKE_SET):
            part = ids[first : first + LAKE_SET]
            source = event_relation(["profile_id", "ts", "name", "properties"], names=names, profiles=part, since=since)
            asked = f"select profile_id, ts, name, properties from {source} order by ts"
            rows += await self.ctx.lake.run(asked, timeout=LAKE_SECONDS)
        return rows


def _of_events(node: EventCondition | EventTime | Order | Engagement, now: datetime) -> Callable[[list[Happened]], bool]:
    """The test of somebody's events, as the check makes it."""
    match node:
        case EventTime():
            return lambda life: time_holds(node, life, now)[0]
        case Order():
            return lambda life: bool(sequence_of(node, life, now))
        case EventCondition() | Engagement():
            asked = as_event(node) if isinstance(node, Engagement) else node
            met = cache(lambda measured: compares(asked, measured))
            return lambda life: met(measure(asked, counted(asked, life, now)))
        case _:
            assert_never(node)


def _among(people: BitMap, ids: Ints) -> Bools:
    if len(ids) * 20 < len(people):
        return np.fromiter((one in people for one in ids.tolist()), dtype=np.bool_, count=len(ids))
    return np.isin(ids, np.frombuffer(people.to_array(), dtype=np.uint32))
