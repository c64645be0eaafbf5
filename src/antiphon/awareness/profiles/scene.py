"""The identities a transaction looks at, and every claim about them: read, heard, and written again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from antiphon.awareness.profiles import links
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS, USER_ID
from antiphon.awareness.profiles.linking import Arrangement, Claim
from antiphon.awareness.profiles.links import LONG_AGO, Row
from antiphon.foundation.postgres import Connection


class ThinkAgain(Exception):
    """Somebody else linked one of these identities meanwhile, or people must be looked at who were not held."""

    def __init__(self, about: Iterable[int] = ()) -> None:
        self.about = set(about)


class Named(msgspec.Struct, frozen=True, gc=False):
    """One message's identities, strongest first, and those the person may also have."""

    bundle: tuple[Identity, ...]
    also: tuple[Identity, ...]
    stamp: str
    day: int
    at: int
    """Microseconds since PostgreSQL's epoch."""
    traits: bytes | None = None


class Scene:
    """The identities looked at, and every claim about them."""

    def __init__(self, people: set[int], rows: dict[Identity, Row], new: dict[Identity, str]) -> None:
        self.people = people
        self.rows = rows
        self.new = new
        self.claims: dict[tuple[Identity, Identity], Claim] = {}
        self.outside: dict[Identity, int] = {}
        self.shared = {row.identity for row in rows.values() if row.shared}
        self.fresh: dict[tuple[Identity, Identity], Claim] = {}
        self.maybe: dict[tuple[Identity, Identity], Claim] = {}
        """Claims about an identity that nobody has yet."""
        self.births: set[tuple[Identity, Identity]] = set()

    @property
    def vertices(self) -> list[Identity]:
        return [*self.rows, *self.new]

    @classmethod
    async def load(cls, conn: Connection, people: Iterable[int], named: Sequence[Named]) -> Scene:
        held = set(people)
        rows = await links.scope(conn, held)
        new: dict[Identity, str] = {}
        for each in named:
            for one in each.bundle:
                if one not in rows:
                    new[one] = min(new.get(one, each.stamp), each.stamp)
        scene = cls(held, rows, new)
        claims = links.own_claims(rows)
        scene.births = {key for key in claims if rows[key[1]].born}
        wanted = [*rows, *(one for one in scene.new if one[0] == USER_ID)]
        claims |= await links.further_claims(conn, wanted)  # where a person spoke about a claim that is also an identity's own
        here = rows.keys() | scene.new.keys()
        far = {end for key in claims for end in key if end not in here}
        far |= {one for each in named for one in each.also if one not in here}
        known = await links.look_up(conn, sorted(far))
        scene.outside = {one: row.profile for one, row in known.items()}
        for key, claim in claims.items():
            certain = all(end in here or end in known for end in key)
            (scene.claims if certain else scene.maybe)[key] = claim
        return scene

    def hear(self, named: Sequence[Named], words: Sequence[Claim]) -> None:
        for claim in words:
            self.claims[claim.head, claim.other] = self.fresh[claim.head, claim.other] = claim
        for each in named:
            head = each.bundle[0]
            for other in (*each.bundle[1:], *each.also):
                if head in self.shared or other in self.shared or other == head:
                    continue
                seen = each.day if KINDS.of(other[0]).quiet_days else LONG_AGO
                self._hear(Claim(head, other, each.stamp, seen), other in self.rows or other in self.new or other in self.outside)

    def _hear(self, claim: Claim, known: bool) -> None:
        key = claim.head, claim.other
        before = self.claims.get(key) or self.maybe.get(key)
        if before is not None:
            claim = before._replace(stamp=min(before.stamp, claim.stamp), seen=max(before.seen, claim.seen))
            if claim == before:
                return
        self.fresh[key] = claim
        (self.claims if known else self.maybe)[key] = claim

    def leave_out(self, named: Sequence[Named], arranged: Arrangement) -> set[int]:
        """What is past a person's most is not kept; the places of the messages that named it."""
        refused = {(c.head, c.other) for c in arranged.over}.intersection(self.fresh)
        if not refused:
            return set()
        for key in refused:
            del self.fresh[key]
        needed = {each.bundle[0] for each in named} | {end for key in self.fresh for end in key}
        for _, other in refused:
            if other in self.new and other not in needed:
                del self.new[other]
                arranged.groups[arranged.of.pop(other)].remove(other)
        return {n for n, each in enumerate(named) if any((each.bundle[0], other) in refused for other in each.bundle[1:])}

    async def write(self, conn: Connection, profile: dict[Identity, int], who: str | None) -> None:
        """Identities new and changed, and claims that have no room in them."""
        given: list[Row] = []
        changed: dict[Identity, Row] = {}
        beside: dict[tuple[Identity, Identity], Claim] = {}
        for one, stamp in self.new.items():
            given.append(Row(one, profile[one], profile[one], False, None, stamp, None, one in self.shared))
        rows = self.rows | {row.identity: row for row in given}
        for one, row in self.rows.items():
            if row.profile != profile[one] or (one in self.shared) != row.shared:
                row.shared = one in self.shared
                changed[one] = row
        for head, other in self._across(profile):  # an identity's own claim is within its person
            row = rows[other]
            beside[head, other] = self.claims[head, other]._replace(state="said")
            row.born, row.head, row.stamp, row.seen = False, None, "", None
            changed[other] = row
        for key, claim in sorted(self.fresh.items(), key=lambda item: item[1].stamp):
            mine = rows.get(claim.other)
            if claim.state != "said" or mine is None or profile.get(claim.head) != profile[claim.other]:
                beside[key] = claim
            elif mine.head == claim.head or (mine.head is None and not mine.born) or (mine.born and key in self.births):
                mine.born = False
                self._keep(mine, claim)
                changed[claim.other] = mine
            else:
                beside[key] = claim
        if given and await links.give(conn, given, profile) != len(given):
            raise ThinkAgain
        old = [row for one, row in changed.items() if one in self.rows]
        if old:
            await links.change(conn, old, profile)
        if beside:
            await links.note_claims(conn, list(beside.values()), who)

    def _across(self, profile: dict[Identity, int]) -> list[tuple[Identity, Identity]]:
        own = {(row.head, one) for one, row in self.rows.items() if row.head is not None} | self.births
        return [(head, other) for head, other in own if profile.get(head) != profile[other]]

    @staticmethod
    def _keep(row: Row, claim: Claim) -> None:
        row.head, row.stamp = claim.head, claim.stamp
        row.seen = claim.seen if KINDS.of(row.identity[0]).quiet_days and claim.seen > LONG_AGO else None
