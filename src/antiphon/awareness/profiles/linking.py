"""Linking: whose identities a message names, decided by rules alone; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from antiphon.awareness.profiles.identities import ANONYMOUS_ID, EMAIL, PHONE, USER_ID, Identity, strength


class Proposal(NamedTuple):
    """Two known profiles that share an identity."""

    one: int
    other: int
    identity: Identity


class Plan(msgspec.Struct):
    """What linking must write. Negative ids are profiles yet to be made."""

    profiles: list[int]
    """The profile of each bundle, in order."""
    made: list[int]
    attach: dict[Identity, int]
    merges: list[tuple[int, int]]
    """(merged away, into), both existing."""
    proposals: list[Proposal]


class Linker:
    """Decides, bundle by bundle, whose identities they are. No I/O: it starts from what the tables say.

    The rules. A bundle names one person; its strongest identity decides. Identities nobody has yet are given to that
    person. Another profile found by a weaker identity is merged into it, unless both have a user id (two known
    people: a proposal; by an anonymous id alone it is a shared device and nothing happens), or unless it was found by
    phone and both have their own e-mail (a household's telephone: a proposal).
    """

    def __init__(self, owner: Mapping[Identity, int], with_user: Iterable[int], with_email: Iterable[int]) -> None:
        self.owner = dict(owner)
        self.with_user = set(with_user)
        self.with_email = set(with_email)
        self._into: dict[int, int] = {}
        self._made: list[int] = []
        self._attach: dict[Identity, int] = {}
        self._proposals: dict[tuple[int, int], Proposal] = {}

    def root(self, profile: int) -> int:
        while (further := self._into.get(profile)) is not None:
            profile = further
        return profile

    def link(self, bundles: Sequence[Sequence[Identity]]) -> Plan:
        profiles = [self._link(sorted(bundle, key=strength)) for bundle in bundles]
        made = {one for one in self._made if one not in self._into}
        return Plan(
            profiles=[self.root(one) for one in profiles],
            made=sorted(made, reverse=True),
            attach={identity: self.root(one) for identity, one in self._attach.items()},
            merges=[(one, self.root(one)) for one in self._into if one > 0],
            proposals=[
                Proposal(self.root(one), self.root(other), identity)
                for (one, other), (_, _, identity) in self._proposals.items()
                if self.root(one) != self.root(other)
            ],
        )

    def _link(self, bundle: Sequence[Identity]) -> int:
        user = any(identity[0] == USER_ID for identity in bundle)
        email = any(identity[0] == EMAIL for identity in bundle)
        target: int | None = None
        others: list[tuple[int, Identity]] = []
        for identity in bundle:
            if (found := self.owner.get(identity)) is None:
                continue
            found = self.root(found)
            if target is None and not self._stranger(identity, found, user, email):
                target = found
            elif target is None or found != target:
                if target is not None and not self._two_people(identity, target, found, email):
                    target = self._merge(found, target)
                else:
                    others.append((found, identity))
        if target is None:
            target = -1 - len(self._made)
            self._made.append(target)
        for found, identity in others:
            if identity[0] != ANONYMOUS_ID and found != target:
                self._proposals.setdefault((min(found, target), max(found, target)), Proposal(found, target, identity))
        for identity in bundle:
            if identity not in self.owner:
                self._give(identity, target)
        return target

    def _stranger(self, identity: Identity, found: int, user: bool, email: bool) -> bool:
        """Whether the bundle's own, stronger identity says that it is not the person found by this weaker one."""
        if identity[0] != USER_ID and user and found in self.with_user:
            return True
        return identity[0] == PHONE and email and found in self.with_email

    def _two_people(self, identity: Identity, target: int, found: int, email: bool) -> bool:
        if target in self.with_user and found in self.with_user:
            return True
        return identity[0] == PHONE and (email or target in self.with_email) and found in self.with_email

    def _give(self, identity: Identity, target: int) -> None:
        self.owner[identity] = self._attach[identity] = target
        if identity[0] == USER_ID:
            self.with_user.add(target)
        elif identity[0] == EMAIL:
            self.with_email.add(target)

    def _merge(self, one: int, other: int) -> int:
        """Keep the one that exists already; of two, the one with a user id; else the older."""

        def rank(profile: int) -> tuple[bool, bool, int]:
            return profile < 0, profile not in self.with_user, abs(profile)

        kept, gone = sorted((one, other), key=rank)
        self._into[gone] = kept
        if gone in self.with_user:
            self.with_user.add(kept)
        if gone in self.with_email:
            self.with_email.add(kept)
        return kept
