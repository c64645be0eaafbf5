"""People made, joined and parted, so that the tables say what all claims together say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS, USER_ID
from antiphon.awareness.profiles.linking import Arrangement, Claim, Proposal, arrange, order, recycled
from antiphon.awareness.profiles.links import LONG_AGO, Row
from antiphon.awareness.profiles.notices import MergeUndone, ProfilesMerged
from antiphon.awareness.profiles.parts import share_out
from antiphon.foundation.notices import publish
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


class Outcome(msgspec.Struct):
    """Who is who now."""

    profile: dict[Identity, int]
    changed: set[int]
    """Profiles whose identities or traits are others now."""
    heads: dict[int, tuple[str, bool]]
    """Of those made or rearranged: under which identity their traits are said, and whether there are none yet."""
    written: set[int]
    """Places of messages whose traits were written with their new profile."""
    over: set[int]
    """Places of messages that name an identity past a person's most."""


class Reason(msgspec.Struct, frozen=True):
    """Why people are joined, by whom; and who stays when two are."""

    text: str = "same identities"
    who: str | None = None
    prefer: tuple[int, ...] = ()


ALONE = Reason()


async def rearrange(
    conn: Connection,
    people: Iterable[int],
    named: Sequence[Named],
    *,
    at: datetime,
    heads: dict[int, tuple[str, bool]],
    words: Sequence[Claim] = (),
    reason: Reason = ALONE,
) -> Outcome:
    """Hear new claims about these people, who are held, and write what follows; `words` are a person's own. Raises ThinkAgain."""
    scene = await _Scene.load(conn, people, named)
    scene.hear(named, words)
    arranged = arrange(scene.vertices, scene.claims.values(), scene.outside, scene.shared, KINDS)
    if arranged.outside:
        raise ThinkAgain(arranged.outside.values())
    scene.shared = arranged.shared
    over = scene.leave_out(named, arranged)
    cast = await _Cast.choose(conn, scene, arranged, reason)
    made = await cast.make(conn, scene, named)
    await scene.write(conn, cast.profile, reason.who)
    changed = await cast.settle(conn, scene, at, reason)
    parted = await share_out(conn, scene.rows, cast.profile, cast.regrouped, heads) if cast.regrouped else set()
    if cast.losers:
        await links.pairs(conn, "retire", cast.losers)
    await _ask(conn, scene, arranged, cast)
    told = dict.fromkeys(parted, ("", False)) | made.heads
    return Outcome(cast.profile, changed | parted | set(made.heads), told, made.written, over)


class _Made(msgspec.Struct):
    heads: dict[int, tuple[str, bool]]
    written: set[int]


class _Scene:
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
    async def load(cls, conn: Connection, people: Iterable[int], named: Sequence[Named]) -> _Scene:
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


class _Cast:
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
    async def choose(cls, conn: Connection, scene: _Scene, arranged: Arrangement, reason: Reason) -> _Cast:
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

    def _follow(self, scene: _Scene, members: dict[int, list[Row]], merged: dict[int, int], taken: set[int]) -> None:
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

    async def make(self, conn: Connection, scene: _Scene, named: Sequence[Named]) -> _Made:
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
        result = _Made({}, set())
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
            rows.append((profile, text or b"{}", only.stamp if only and text else "", head, min(whens), max(whens)))
        if rows:
            await links.make_profiles(conn, rows)
        self._regroup(scene)
        return result

    def _regroup(self, scene: _Scene) -> None:
        before = {row.profile: self.profile[one] for one, row in scene.rows.items() if self.profile[one] != row.profile}
        if not before:
            return
        for one, row in scene.rows.items():
            if self.profile[one] != row.profile:
                self.regrouped.setdefault(self.profile[one], {self.profile[one]}).add(row.profile)
                if row.profile not in self._losers_at:
                    self.regrouped.setdefault(row.profile, {row.profile})

    async def settle(self, conn: Connection, scene: _Scene, at: datetime, reason: Reason) -> set[int]:
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


async def _ask(conn: Connection, scene: _Scene, arranged: Arrangement, cast: _Cast) -> None:
    """Propose what must not happen by itself; withdraw what nobody needs to ask any more."""
    profile = scene.outside | cast.profile
    wanted: dict[tuple[int, int], Proposal] = {}
    members: dict[int, set[Identity]] = {}
    for identity, owner in profile.items():
        members.setdefault(owner, set()).add(identity)
    claims = list(scene.claims.values())
    shared_by: dict[tuple[int, int], set[Identity]] = {}
    unsure: set[tuple[int, int]] = set()
    for claim in arranged.conflicts:
        if not (KINDS.of(claim.head[0]).proposes and KINDS.of(claim.other[0]).proposes):
            continue
        claimant, its = profile[claim.head], profile[claim.other]
        if claimant != its:
            shared_by.setdefault((min(claimant, its), max(claimant, its)), set()).add(claim.other)
    for (low, high), identities in shared_by.items():
        ranked = sorted(identities, key=order)
        came = all(recycled(claims, members[profile[one]], members[low + high - profile[one]], one, KINDS) for one in ranked)
        wanted[low, high] = Proposal(low, high, ranked[0], "recycled" if came else "one_person")
        if any(one in scene.outside and KINDS.of(one[0]).quiet_days for one in ranked):
            unsure.add((low, high))  # its owner's claims were not looked at: what was asked stays
    if not wanted and not scene.people:
        return
    there = await links.proposals_about(conn, {*cast.of.values(), *scene.people} - {one for one, _ in cast.losers})
    stale, changed = [], []
    for number, left, right, kind, value, state, question in there:
        pair = min(left, right), max(left, right)
        asked = wanted.pop(pair, None)
        if state != "open" or (asked is not None and pair in unsure):
            continue
        if asked is None:
            stale.append(number)
        elif (asked.identity, asked.question) != (Identity(kind, value), question):
            changed.append((number, asked))
    if stale:
        await links.about(conn, "drop_proposals", stale)
    if changed:
        await links.rephrase(conn, changed)
    if wanted:
        await links.propose(conn, list(wanted.values()))
