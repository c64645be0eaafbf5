"""Which account a message takes: the rules' language, and the choice for one message. Pure.

A rule matches by country, recipient's domain, message class, topic and purpose, and names accounts with a way to choose
among them. Rules of a channel are asked in order; without one that matches, every account of the channel is good, the oldest
first. Shares are a keyed hash of rule, person and account: the same person is written to through the same account while the
shares stay, and when an account fails its people are spread over the others by their shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from antiphon.execution.delivery.model import CLASSES
from antiphon.foundation.ids import keyed_fraction

Strategy = Literal["in_order", "share", "cheapest"]
Otherwise = Literal["wait", "next"]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="ISO 3166 code")]
Domain = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\*\.)?[a-z0-9.-]{1,253}$", description="A domain, or `*.` and what all that is meant ends with"
    ),
]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule is for: each list that is not empty must hold the message's own."""

    countries: Annotated[list[Country], msgspec.Meta(max_length=250)] = []
    domains: Annotated[list[Domain], msgspec.Meta(max_length=1000)] = []
    classes: Annotated[list[Word], msgspec.Meta(max_length=len(CLASSES))] = []
    topics: Annotated[list[Word], msgspec.Meta(max_length=200)] = []
    purposes: Annotated[list[Word], msgspec.Meta(max_length=200)] = []


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of a rule; ``share`` is its weight among the rule's others."""

    account_id: Annotated[int, msgspec.Meta(ge=1)]
    share: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 1.0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A rule. ``otherwise``: when none of its accounts can be used, messages wait, or the next rule is asked."""

    id: int
    channel: str
    position: int
    name: str
    match: Match
    strategy: Strategy
    otherwise: Otherwise
    enabled: bool
    targets: list[Target]
    created_at: datetime
    updated_at: datetime


class Addressee(msgspec.Struct, frozen=True):
    """What rules look at of one message. ``one`` is the person, or the delivery of nobody's message."""

    message_class: str
    topic: str | None
    purpose: str
    country: str
    domain: str
    one: int


def matches(match: Match, to: Addressee) -> bool:
    """Whether a rule is for this message."""
    return (
        (not match.countries or to.country in match.countries)
        and (not match.classes or to.message_class in match.classes)
        and (not match.topics or to.topic in match.topics)
        and (not match.purposes or to.purpose in match.purposes)
        and (not match.domains or any(_in_domain(to.domain, wanted) for wanted in match.domains))
    )


def _in_domain(domain: str, wanted: str) -> bool:
    return domain.endswith(wanted[1:]) if wanted.startswith("*.") else domain == wanted


def candidates(
    routes: Iterable[Route],
    accounts: Sequence[int],
    to: Addressee,
    *,
    key: bytes,
    usable: Callable[[int], bool],
    price: Callable[[int, str], int],
) -> list[int]:
    """The accounts this message may take now, best first; empty: it waits.

    ``routes`` are the channel's in order, ``accounts`` all of the channel, ``price`` what a part costs by account and country.
    """
    for route in routes:
        if not route.enabled or not matches(route.match, to):
            continue
        found = [account for account in ordered(route, to, key=key, price=price) if usable(account)]
        if found or route.otherwise == "wait":
            return found
    return [account for account in accounts if usable(account)]


def ordered(route: Route, to: Addressee, *, key: bytes, price: Callable[[int, str], int]) -> list[int]:
    """A rule's accounts in the order this message should try them."""
    targets = route.targets
    if route.strategy == "cheapest":
        places = range(len(targets))
        return [targets[i].account_id for i in sorted(places, key=lambda i: (price(targets[i].account_id, to.country), i))]
    if route.strategy == "share":
        return [target.account_id for target in sorted(targets, key=lambda target: _turn(route, target, to, key))]
    return [target.account_id for target in targets]


def _turn(route: Route, target: Target, to: Addressee, key: bytes) -> tuple[float, int]:
    """Weighted rendezvous hashing: who has the least comes first, as often as its share says, whoever else is there."""
    if target.share <= 0:
        return math.inf, target.account_id
    drawn = 1.0 - keyed_fraction(key, "route", route.id, target.account_id, to.one)  # in (0, 1]
    return -math.log(drawn) / target.share, target.account_id
