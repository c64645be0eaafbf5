"""Which profile each group of identities is: who stays, who is merged away, who is a person again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import USER_ID
from antiphon.awareness.profiles.linking import Arrangement, order
from antiphon.awareness.profiles.links import Row
from antiphon.awareness.profiles.notices import MergeUndone, ProfilesMerged
from antiphon.awareness.profiles.scene import Named, Scene
from antiphon.foundation.notices import publish
from antiphon.foundation.postgres import Connection


class Reason(msgspec.Struct, frozen=True):
    """Why people are joined, by whom; and who stays when two are."""

    text: str = "same identities"
    who: str | None = None
    prefer: tuple[int, ...] = ()


ALONE = Reason()


class Made(msgspec.Struct):
    heads: dict[int, tuple[str, bool]]
    written: set[int]


class Cast:
    """Which profile each group of identities is."""

    def __init__(self, arranged: Arrangement) -> None:
        self._arranged = arranged
        self.of: dict[int, int] = {}
        self.profile: dict[Identity, int] = {}
        self.regrouped: dict[int, set[int]] = {}
        """Profiles whose traits must be shared out anew, and from which profiles."""
        self._losers: list[tuple[int, int]] = []
        self._revived: list[tuple[int, int]] = []
        self._repointed: list[tuple[int, int]] = []

    @classmethod
    async def choose(cls, conn: Connection, scene: Scene, arranged: Arrangement, reason: Reason) -> Cast:
        cast = cls(arranged)
        members = {n: [scene.rows[one] for one in group if one in scene.rows] for n, group in enumerate(arranged.groups) if group}
        taken: set[int] = set()
        # The known first, so that who loses in a parting is the one without a user id.
        ranked = sorted(
            members, key=lambda n: (not any(r.identity[0] == USER_ID for r in members[n]), order(arranged.groups[n][0]))
        )
        for n in ranked:
            there = {row.profile for row in members[n]}
            wanted = [one for one in reason.prefer if one in there] + [r.profile for r in members[n] if r.profile == r.home]
            cast._take(n, wanted, taken)
        homeless = [n for n in ranked if n not in cast.of and members[n]]
        merged = await links.merged_into(conn, scene.people) if homeless or len(taken) < len(scene.people) else {}
        for n in homeless:
            cast._take(n, [row.home for row in members[n] if row.home in merged], taken)
            cast._take(n, [row.profile for row in members[n]], taken)
        cast._follow(scene, members, merged, taken)
        return cast

    def _take(self, n: int, wanted: Iterable[int], taken: set[int]) -> None:
        if n not in self.of:
            for one in wanted:
                if one not in taken:
                    self.of[n] = one
                    taken.add(one)
                    return

    def _follow(self, scene: Scene, members: dict[int, list[Row]], merged: dict[int, int], taken: set[int]) -> None:
        """Who was merged away now, who is a person again, and where those lead who were merged away before."""
        where: dict[int, int] = {}
        for n, rows in members.items():
            for row in rows:
                if row.profile == row.home or row.profile not in where:
                    where[row.profile] = n
        self._losers_at = {one: where[one] for one in scene.people - taken if one in where}
        self._revived = [(one, merged[one]) for one in self.of.values() if one in merged]
        homes: dict[int, set[int]] = {}
        for n, rows in members.items():
            for row in rows:
                homes.setdefault(row.home, set()).add(n)
        self._homes = {
            one: (into, next(iter(homes[one])))
            for one, into in merged.items()
            if one not in taken and len(homes.get(one, ())) == 1
        }
        self._merged = merged

    async def make(self, conn: Connection, scene: Scene, named: Sequence[Named]) -> Made:
        """New people; one who came with one message, and all of whose identities did, has its traits at once."""
        wanted = [n for n, group in enumerate(self._arranged.groups) if group and n not in self.of]
        made = dict(zip(wanted, await store.next_ids(conn, len(wanted)), strict=True))
        self.of.update(made)
        for n, group in enumerate(self._arranged.groups):
            for one in group:
                self.profile[one] = self.of[n]
        told: dict[int, list[int]] = {}
        for place, each in enumerate(named):
            told.setdefault(self._arranged.of[each.bundle[0]], []).append(place)
        result = Made({}, set())
        rows = []
        for n, profile in made.items():
            places = told.get(n, [])
            whens = [named[place].at for place in places] or [0]
            only = named[places[0]] if len(places) == 1 else None
            text = only.traits if only is not None and only.traits is not None and b"null" not in only.traits else None
            head = f"{only.bundle[0][0]} {only.bundle[0][1]}" if only is not None else ""
            if only is not None and text is not None:
                result.written.add(places[0])
            result.heads[profile] = (head, text is None)
            rows.append((profile, text or b"{}", only.stamp if only and text else "", head, "", min(whens), max(whens)))
        if rows:
            await links.make_profiles(conn, rows)
        self._regroup(scene)
        return result

    def _regroup(self, scene: Scene) -> None:
        before = {row.profile: self.profile[one] for one, row in scene.rows.items() if self.profile[one] != row.profile}
        if not before:
            return
        for one, row in scene.rows.items():
            if self.profile[one] != row.profile:
                self.regrouped.setdefault(self.profile[one], {self.profile[one]}).add(row.profile)
                if row.profile not in self._losers_at:
                    self.regrouped.setdefault(row.profile, {row.profile})

    async def settle(self, conn: Connection, scene: Scene, at: datetime, reason: Reason) -> set[int]:
        """Aliases, groups of customers, and who is told."""
        self._losers = [(one, self.of[n]) for one, n in self._losers_at.items()]
        gone = dict(self._losers)
        if self._revived:
            revived = [one for one, _ in self._revived]
            await links.about(conn, "revive", revived)
            await links.about(conn, "return_memberships", revived)
        if self._losers:
            await links.pairs(conn, "merge_away", self._losers, at=at, reason=reason.text, who=reason.who)
            await store.follow(conn, self._losers)
        moved = {one: self.of[n] for one, (into, n) in self._homes.items() if self.of[n] != into}
        there = set(self.of.values())
        moved |= {one: gone[into] for one, into in self._merged.items() if into in gone and one not in moved and one not in there}
        if moved:
            await links.pairs(conn, "repoint", list(moved.items()))
        if self._losers:
            await publish(conn, ProfilesMerged([m[0] for m in self._losers], [m[1] for m in self._losers]))
        for one, survivor in self._revived:
            await publish(conn, MergeUndone(one, gone.get(survivor, survivor)))
        left = {row.profile for row in scene.rows.values() if row.profile != self.profile[row.identity]}
        if self._revived or not left <= gone.keys():
            await conn.execute(links.SQL.turn_epoch)
        return set(self.of.values()) | gone.keys()

    @property
    def losers(self) -> list[tuple[int, int]]:
        return self._losers
