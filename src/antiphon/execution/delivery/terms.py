"""The terms of an account: its pace, its day, its warm-up, and its prices. Pure.

Days are UTC's. A limit of so many a second lets a second's worth go at once, and never more than that ahead of its pace.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from antiphon.execution.delivery.routing import Country

DAY = 86_400
STRETCH = 96  # parts of a day over which a warm-up's messages are stretched: a quarter of an hour's worth goes at once
PerSecond = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
PerDay = Annotated[int, msgspec.Meta(ge=0, le=2_000_000_000)]
Micros = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000, description="Millionths of the installation's currency")]


class DomainLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast to one recipient domain, or to each that has no limit of its own (``*``)."""

    domain: Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z0-9.-]{1,253})$")]
    per_second: PerSecond | None = None
    per_day: PerDay | None = None
    concurrent: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class Warmup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new sender's schedule: ``first`` messages on the day it starts, ``growth`` times as many each day after, evenly over
    the day; over when a day would have more than ``until``."""

    start: date
    first: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 200
    growth: Annotated[float, msgspec.Meta(gt=1, le=10)] = 1.5
    until: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 100_000

    def most(self, day: date) -> int | None:
        """How many on this day; None once the schedule is over, 0 before it starts."""
        number = (day - self.start).days
        if number < 0:
            return 0
        steps = math.log(self.until / self.first, self.growth) if self.until > self.first else 0.0
        if number > steps:
            return None
        return round(self.first * self.growth**number)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On which terms we speak through an account; ``price_micros`` None is the provider's own price of a part."""

    per_second: PerSecond | None = None
    per_day: PerDay | None = None
    domains: Annotated[list[DomainLimit], msgspec.Meta(max_length=500)] = []
    warmup: Warmup | None = None
    price_micros: Micros | None = None
    prices: Annotated[dict[Country, Micros], msgspec.Meta(max_length=250)] = {}

    def domain(self, name: str) -> DomainLimit | None:
        """The limit that holds for a recipient's domain."""
        every = None
        for limit in self.domains:
            if limit.domain == name:
                return limit
            if limit.domain == "*":
                every = limit
        return every


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A pace: a turn each ``gap`` seconds, at most ``burst`` that add up, at most ``per_day`` a day."""

    gap: float = 0.0
    burst: int = 0
    per_day: int | None = None


def account_limits(terms: Terms, now: datetime) -> Mapping[str, Limit]:
    """The limits of the account itself by scope: its pace (''), and its warm-up's ('warm-up')."""
    found: dict[str, Limit] = {}
    if terms.per_second is not None or terms.per_day is not None:
        found[""] = _paced(terms.per_second, terms.per_day)
    if terms.warmup is not None:
        most = terms.warmup.most(now.astimezone(UTC).date())
        if most is not None:
            found["warm-up"] = Limit(gap=DAY / most if most else 0.0, burst=max(1, most // STRETCH), per_day=most)
    return found


def domain_limit(terms: Terms, domain: str) -> Limit | None:
    """The pace to a domain; None without one."""
    limit = terms.domain(domain) if domain and terms.domains else None
    if limit is None or (limit.per_second is None and limit.per_day is None):
        return None
    return _paced(limit.per_second, limit.per_day)


def _paced(per_second: float | None, per_day: int | None) -> Limit:
    if per_second is None:
        return Limit(per_day=per_day)
    return Limit(gap=1.0 / per_second, burst=max(1, math.floor(per_second)), per_day=per_day)


def price_of(terms: Terms, own_micros: int, country: str) -> int:
    """What a part costs to a country: by the account's list, else its flat price, else the provider's own."""
    if country and country in terms.prices:
        return terms.prices[country]
    return own_micros if terms.price_micros is None else terms.price_micros


def wait_of(limit: Limit, now: datetime) -> timedelta:
    """How long until a limit without a turn now has one, at most a day."""
    if limit.per_day == 0 or not limit.gap:
        tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
        return tomorrow - now
    return timedelta(seconds=min(limit.gap, DAY))
