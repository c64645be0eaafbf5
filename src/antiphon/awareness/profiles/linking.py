"""Who is who, decided by rules alone from all that was ever claimed of some identities; no I/O.

Each message names one person by several identities; the strongest claims the others, at the message's (timestamp,
messageId). The answer is that of Kruskal's algorithm: claims are heard in the order of their stamps, and one that would
make two known people one is not followed but told. It depends on the set of claims, never on the order in which they
came; and a claim that is once not followed is not followed later either, so it is enough to look at the people it names
(a minimum spanning forest of the claims, all known people drawn as one point).

Source: R. E. Tarjan, Data Structures and Network Algorithms (1983), chapter 6: the cycle and cut rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from antiphon.awareness.profiles.identities import EMAIL, USER_ID, Identity, strength
from antiphon.awareness.profiles.kinds import Kinds

State = Literal["said", "word", "cut"]


class Claim(NamedTuple):
    """`head` and `other` were named together, first at `stamp`, last on day `seen` (counted from 1970).

    A `word` is a person's: these two are one. A `cut` one was taken back by a person: it is not followed.
    """

    head: Identity
    other: Identity
    stamp: str
    seen: int
    state: State = "said"


class Proposal(NamedTuple):
    """Two known profiles that share an identity, and what is asked about them."""

    one: int
    other: int
    identity: Identity
    question: Literal["one_person", "recycled"] = "one_person"


class Arrangement(msgspec.Struct):
    """The people there are: groups of identities, and what was not followed."""

    groups: list[list[Identity]]
    of: dict[Identity, int]
    """The group of each identity, those outside included."""
    outside: dict[int, int]
    """Groups that are part of somebody outside, and of whom."""
    shared: set[Identity]
    conflicts: list[Claim]
    """Claims between two known people."""
    over: list[Claim]
    """Claims past the number of identities a person may have."""


def order(identity: Identity) -> tuple[int, str, str]:
    """The strongest first."""
    return strength(identity), identity[0], identity[1]


def ranked(bundle: tuple[Identity, ...]) -> tuple[Identity, ...]:
    """The strongest first."""
    if len(bundle) == 2:
        one, other = bundle
        return bundle if order(one) <= order(other) else (other, one)
    return tuple(sorted(bundle, key=order))


class _Forest:
    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._parent: dict[Identity, Identity] = {}
        self._user: set[Identity] = set()
        self._email: set[Identity] = set()
        self._sizes: dict[Identity, dict[str, int]] = {}
        self._many = min(kind.most for kind in kinds.all())

    def add(self, one: Identity, *, known: bool = False) -> None:
        if one not in self._parent:
            self._parent[one] = one
            self._sizes[one] = {one[0]: 1}
            if known or one[0] == USER_ID:
                self._user.add(one)
            if known or one[0] == EMAIL:
                self._email.add(one)

    def root(self, one: Identity) -> Identity:
        parent = self._parent
        while (up := parent[one]) != one:
            parent[one] = parent[up]
            one = up
        return one

    def clash(self, one: Identity, other: Identity, *, household: bool) -> bool:
        """Whether both are known; for what a household shares an e-mail of one's own is enough to be known."""
        if household:
            return (one in self._user or one in self._email) and (other in self._user or other in self._email)
        return one in self._user and other in self._user

    def too_many(self, one: Identity, other: Identity) -> bool:
        few, many = self._sizes[one], self._sizes[other]
        if len(few) > len(many):
            few, many = many, few
        for kind, count in few.items():
            both = count + many.get(kind, 0)
            if both > self._many and kind in many and both > self._kinds.of(kind).most:
                return True
        return False

    def join(self, one: Identity, other: Identity) -> None:
        if len(self._sizes[one]) < len(self._sizes[other]):
            one, other = other, one
        self._parent[other] = one
        sizes = self._sizes[one]
        for kind, count in self._sizes.pop(other).items():
            sizes[kind] = sizes.get(kind, 0) + count
        if other in self._user:
            self._user.add(one)
        if other in self._email:
            self._email.add(one)


def _household(kinds: Kinds, claim: Claim) -> bool:
    return kinds.of(claim.head[0]).household or kinds.of(claim.other[0]).household


def shared_ones(claims: Iterable[Claim], kinds: Kinds) -> set[Identity]:
    """Identities that were named with more people than their kind allows; of a household's, e-mails are people as well."""
    named: dict[Identity, set[Identity]] = {}
    for claim in claims:
        kind = kinds.of(claim.other[0])
        if claim.state == "said" and (claim.head[0] == USER_ID or (kind.household and claim.head[0] == EMAIL)):
            named.setdefault(claim.other, set()).add(claim.head)
    return {one for one, heads in named.items() if one[0] != USER_ID and len(heads) > kinds.of(one[0]).people}


def arrange(
    identities: Iterable[Identity],
    claims: Iterable[Claim],
    outside: Mapping[Identity, int],
    shared: Iterable[Identity],
    kinds: Kinds,
) -> Arrangement:
    """Sort these identities into people. `outside` are identities of people not looked at, who stay as they are."""
    claims = sorted(claims, key=lambda claim: (claim.state != "word", _household(kinds, claim), claim.stamp, claim))
    nobody = set(shared) | shared_ones(claims, kinds)
    forest = _Forest(kinds)
    inside = list(dict.fromkeys(identities))
    for one in inside:
        forest.add(one)
    anchors: dict[int, Identity] = {}
    for one, profile in outside.items():
        forest.add(one, known=True)
        anchor = anchors.setdefault(profile, one)
        if anchor != one:
            forest.join(forest.root(anchor), forest.root(one))
    refused: list[Claim] = []
    over: list[Claim] = []
    for claim in claims:
        if claim.state == "cut" or (claim.state == "said" and (claim.head in nobody or claim.other in nobody)):
            continue
        one, other = forest.root(claim.head), forest.root(claim.other)
        if one == other:
            continue
        if claim.state == "said" and forest.clash(one, other, household=_household(kinds, claim)):
            refused.append(claim)
        elif forest.too_many(one, other):
            over.append(claim)
        else:
            forest.join(one, other)
    groups: dict[Identity, list[Identity]] = {}
    for one in sorted(inside, key=order):
        groups.setdefault(forest.root(one), []).append(one)
    numbers = {root: n for n, root in enumerate(groups)}
    of = {one: numbers[forest.root(one)] for one in inside}
    where: dict[int, int] = {}
    for one, profile in outside.items():
        if (number := numbers.get(forest.root(one))) is not None:
            where[number] = profile
    return Arrangement(
        groups=list(groups.values()),
        of=of,
        outside=where,
        shared=nobody,
        conflicts=[claim for claim in refused if forest.root(claim.head) != forest.root(claim.other)],
        over=[claim for claim in over if forest.root(claim.head) != forest.root(claim.other)],
    )


def recycled(claims: Iterable[Claim], owner: set[Identity], claimant: set[Identity], identity: Identity, kinds: Kinds) -> bool:
    """Whether an identity of `owner` came to `claimant` after its kind's quiet time, and so is probably theirs now."""
    quiet = kinds.of(identity[0]).quiet_days
    if not quiet or not any(one[0] == USER_ID for one in claimant):
        return False
    about = [claim for claim in claims if claim.state == "said" and identity in (claim.head, claim.other)]
    last = max((c.seen for c in about if (c.head if c.other == identity else c.other) in owner), default=None)
    first = min((day_of(c.stamp) for c in about if (c.head if c.other == identity else c.other) in claimant), default=None)
    return last is not None and first is not None and first - last > quiet


def day_of(stamp: str) -> int:
    """The day of a stamp, counted from 1970; that of an empty one is long ago."""
    moment, _, _ = stamp.partition(" ")
    return int(moment) // 86_400_000_000 if moment.isdecimal() else -(10**6)
