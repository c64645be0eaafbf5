"""Messages whose answer is plain: what they say of who is who concerns identities nobody has, or a lone one.

A *star* is a head and the identities it claims, which nobody else claims: of a new person, of a known one with a new device,
or of a visitor's only identity that a new user id claims. Nothing can speak against such claims, whatever else was or will
be claimed, so their people need not be looked at. Everything else is left to `rearrange`, after the stars were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import EMAIL, USER_ID, Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Claim, day_of
from antiphon.awareness.profiles.links import LONG_AGO, Given, Row
from antiphon.awareness.profiles.model import Person
from antiphon.awareness.profiles.scene import ThinkAgain
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros

Claims = Mapping[tuple[Identity, Identity], Claim]


class Star(msgspec.Struct):
    """Identities that a head claims and nobody else: `profile` is whose it becomes, 0 a new person's."""

    head: Identity
    known: bool
    profile: int = 0
    claims: dict[Identity, tuple[str, int]] = {}
    """Since which stamp, and on which day last."""
    joined: Identity | None = None
    """A known person's only identity, where the head is new."""
    places: list[int] = []


class Made(msgspec.Struct):
    """What was written of stars: whose their identities are, and the people with something new."""

    profile: dict[Identity, int]
    changed: set[int]
    heads: dict[int, tuple[str, bool]]
    written: set[int]


class Sorting:
    """Messages sorted into settled ones, stars, and those to be looked at with everything that was ever claimed."""

    def __init__(
        self,
        people: Sequence[Person],
        bundles: Sequence[tuple[Identity, ...]],
        owner: Mapping[Identity, int],
        rows: Mapping[Identity, Row],
    ) -> None:
        self.people, self.bundles, self.owner, self.rows = people, bundles, owner, rows
        self.stars: dict[Identity, Star] = {}
        self.contested: set[int] = set()
        self.later: dict[Identity, int] = {}
        """The last day on which what may come back as another's was named with its owner, where that is news."""
        self._claims: Claims = {}
        self._about: set[Identity] | None = None
        self._spoiled: set[Identity] = set()
        self._head_of: dict[Identity, Identity] = {}
        fresh: list[int] = []
        self.news: list[int] = []
        """The places of messages that say something new of who is who, as far as can be told yet."""
        self._unsure: list[int] = []
        for n, bundle in enumerate(bundles):
            if len(bundle) == 1 and not people[n].also:
                if bundle[0] not in owner:
                    fresh.append(n)
            elif (found := self._news(n)) is None or found:
                self.news.append(n)
                if found is None:
                    self._unsure.append(n)
        self._fresh = fresh

    def asks(self) -> set[Identity]:
        """About which identities further claims must be known."""
        wanted = {one for n in self._fresh if (one := self.bundles[n][0])[0] == USER_ID}
        for n in self._unsure:
            bundle = self.bundles[n]
            wanted.update(one for one in bundle[1:] if one in self.rows)
            wanted.update(self.people[n].also)
            if bundle[0][0] == USER_ID and bundle[0] not in self.rows:
                wanted.add(bundle[0])
        return wanted

    def sort(self, claims: Claims) -> None:
        """Sort, with the further claims asked for."""
        self._claims, self._about = claims, {one for key in claims for one in key}
        news, self.news = self.news, []
        for n in news:
            if (found := self._news(n)) is None:
                self._leave(n)
            elif found:
                self._add(n, found)
            else:
                continue
            self.news.append(n)
        for n in self._fresh:
            if self.bundles[n][0] in self._about:
                self._leave(n)
        self._spoiled.update(one for one, star in self.stars.items() if not star.known and one in self._head_of)
        self._dissolve()
        for n in self._fresh:
            one = self.bundles[n][0]
            if n not in self.contested:
                if one in self._spoiled:
                    self._leave(n)
                else:
                    head = self._head_of.get(one, one)
                    self.stars.setdefault(head, Star(head, False)).places.append(n)

    def part(self, sizes: Mapping[int, tuple[int, bool]]) -> None:
        """Leave stars of people who have too many identities, or a household's; `sizes` tells of both."""
        most = min(kind.most for kind in KINDS.all())
        for star in self.stars.values():
            count, household = sizes.get(star.profile, (0, False))
            if (
                count + len(star.claims) + 1 > most
                or (star.joined is not None and count != 1)
                or (household and star.known and any(one[0] == EMAIL for one in star.claims))
            ):
                self._spoiled.update(star.claims)
        self._dissolve()

    def _leave(self, n: int) -> None:
        self.contested.add(n)
        self._spoiled.update(self.bundles[n])

    def _add(self, n: int, found: list[Identity]) -> None:
        head, stamp = self.bundles[n][0], self.people[n].stamp
        star = self.stars.get(head)
        if star is None:
            star = self.stars[head] = Star(head, head in self.rows, self.owner.get(head, 0))
        star.places.append(n)
        for one in found:
            day = day_of(stamp) if KINDS.of(one[0]).quiet_days else LONG_AGO
            before = star.claims.get(one)
            star.claims[one] = (stamp, day) if before is None else (min(stamp, before[0]), max(day, before[1]))
            if self._head_of.setdefault(one, head) != head:
                self._spoiled.add(one)
            if one in self.rows:
                if star.joined not in (None, one):
                    self._spoiled.add(one)
                star.joined, star.profile = one, self.owner[one]

    def _dissolve(self) -> None:
        """Stars of which something is claimed by others as well are looked at more closely, and so on."""
        while self._spoiled:
            gone = [
                star for star in self.stars.values()
                if (not star.known and star.head in self._spoiled) or not self._spoiled.isdisjoint(star.claims)
            ]  # fmt: skip
            if not gone:
                return
            for star in gone:
                del self.stars[star.head]
                for n in star.places:
                    self._leave(n)

    def _news(self, n: int) -> list[Identity] | None:
        """What a message claims that was not claimed before, if that can be a star; None if it must be looked at."""
        bundle, person = self.bundles[n], self.people[n]
        head, rows = bundle[0], self.rows
        first = rows.get(head)
        if first is None:
            return self._newcomer(bundle, person)
        found = []
        for one in bundle[1:]:
            row = rows.get(one)
            if row is None:
                if first.shared or one[0] == USER_ID:
                    return None
                found.append(one)
                continue
            if first.shared or row.shared:
                continue
            own = row.head == head or (row.born and first.born and row.home == first.home)
            if own:
                stamp, seen = row.stamp, row.seen if row.seen is not None else day_of(row.stamp)
            elif (claim := self._claims.get((head, one))) is not None:
                stamp, seen = claim.stamp, claim.seen
            else:
                return None
            if stamp > person.stamp:
                return None
            if KINDS.of(one[0]).quiet_days and seen < (day := day_of(person.stamp)):
                if not own or self._about is None or one in self._about:
                    return None
                self.later[one] = max(day, self.later.get(one, day))
        for one in person.also:
            told = self._claims.get((head, one))
            if told is None or told.stamp > person.stamp:
                return None
        return found

    def _newcomer(self, bundle: tuple[Identity, ...], person: Person) -> list[Identity] | None:
        if person.also or self._about is None or bundle[0] in self._about:
            return None
        joined = False
        for one in bundle[1:]:
            if one[0] == USER_ID:
                return None
            if (row := self.rows.get(one)) is not None:
                if joined or row.shared or row.head is not None or row.home != row.profile or one in self._about:
                    return None
                joined = True
        return list(bundle[1:])


async def write_stars(conn: Connection, sorting: Sorting, heads: Mapping[int, tuple[str, bool]]) -> Made:
    """Write new people and new identities; `heads` tells of the people held. Raises ThinkAgain when somebody was faster."""
    made = Made({}, set(), {}, set())
    new = [star for star in sorting.stars.values() if not star.profile]
    people: list[tuple[int, bytes, str, str | None, str, int, int]] = []
    given: list[Given] = []
    for star, profile in zip(new, await store.next_ids(conn, len(new)), strict=True):
        star.profile = profile
        people.append(_birth(star, sorting, made, given))
    if people:
        await links.make_profiles(conn, people)
    moved: list[Row] = []
    retold: dict[int, str] = {}
    for star in sorting.stars.values():
        made.changed.add(star.profile)
        made.profile[star.head] = star.profile
        if star.known or star.joined is not None:
            _grow(star, sorting, given, moved)
        if star.joined is not None and sorting.rows[star.joined].born and not heads[star.profile][1]:
            retold[star.profile] = heads[star.profile][0]
        for one in star.claims:
            made.profile[one] = star.profile
    if given and await links.attach(conn, given) != len(given):
        raise ThinkAgain
    if moved:
        await links.change(conn, moved, made.profile)
    if retold:
        await links.set_heads(conn, retold)
    return made


def _birth(star: Star, sorting: Sorting, made: Made, given: list[Given]) -> tuple[int, bytes, str, str | None, str, int, int]:
    """A new person, with the traits that came in the only message about them; its identities are added to `given`."""
    told = [sorting.people[n] for n in star.places]
    stamp = min([claim[0] for claim in star.claims.values()] or [each.stamp for each in told])
    head, profile = star.head, star.profile
    born = (star.claims or head[0] == USER_ID) and all(
        since == stamp and (seen == LONG_AGO or seen == day_of(stamp)) for since, seen in star.claims.values()
    )
    whens = [micros(each.at) for each in told]
    traits, written = told[0].traits, ""
    if len(told) > 1 or traits is None or b"null" in traits:
        traits = None
    if traits is not None:
        made.written.add(star.places[0])
        written = stamp
    name = f"{head[0]} {head[1]}"
    made.heads[profile] = (name, traits is None)
    if born:
        given.append((head[0], head[1], profile, None, None, None, LONG_AGO))
        given += [(one[0], one[1], profile, None, None, None, LONG_AGO) for one in star.claims]
    else:
        given.append((head[0], head[1], profile, "", "", stamp, LONG_AGO))
        given += [(o[0], o[1], profile, head[0], head[1], since, seen) for o, (since, seen) in star.claims.items()]
    return (
        profile, traits or b"{}", written, None if born else name, stamp if born and not written else "", min(whens), max(whens)
    )  # fmt: skip


def _grow(star: Star, sorting: Sorting, given: list[Given], moved: list[Row]) -> None:
    """A known person's new identities."""
    head, profile = star.head, star.profile
    if not star.known:
        stamp = min(sorting.people[n].stamp for n in star.places)
        given.append((head[0], head[1], profile, "", "", stamp, LONG_AGO))
    for one, (since, seen) in star.claims.items():
        if one == star.joined:
            row = sorting.rows[one]
            quiet = seen if seen > LONG_AGO else None
            moved.append(msgspec.structs.replace(row, born=False, head=head, stamp=since, seen=quiet))
        else:
            given.append((one[0], one[1], profile, head[0], head[1], since, seen))


def known_people(sorting: Sorting, places: Iterable[int]) -> set[int]:
    """Whose the identities are that these messages name."""
    return {sorting.owner[one] for n in places for one in sorting.bundles[n] if one in sorting.owner}
