"""Who the customers are and what they did: pure functions of a seed, so that any machine makes the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

from antiphon.foundation.ids import keyed_fraction
from antiphon.sandbox.population.names import AREA_CODES, FIRST, LAST, MAIL_DOMAINS, PLACES, PLANS, Place, Plan

HISTORY = timedelta(days=90)
_FIRST_JOINED = date(2019, 1, 1)
_PERMITS = (("offers", 0.86), ("tips", 0.6))


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the operator's customers. `permits` are the topics they allowed marketing about."""

    number: int
    user_id: str
    email: str
    phone: str | None
    first_name: str
    last_name: str
    place: Place
    plan: Plan
    prepaid: bool
    joined: date
    permits: tuple[str, ...]

    def traits(self) -> dict[str, Any]:
        """As the operator's billing system identifies them."""
        traits: dict[str, Any] = {
            "email": self.email, "firstName": self.first_name, "lastName": self.last_name, "language": self.place.language,
            "city": self.place.city, "country": self.place.country, "timezone": self.place.timezone,
            "plan": self.plan.name, "plan_gb": self.plan.gigabytes, "plan_price": float(self.plan.price),
            "prepaid": self.prepaid, "customer_since": self.joined.isoformat(),
        }  # fmt: skip
        if self.phone:
            traits["phone"] = self.phone
        return traits


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer did, `ago` before now."""

    name: str
    ago: timedelta
    properties: dict[str, Any]


class Dice:
    """Chances of one customer, each named: asking for the same one twice gives the same answer."""

    def __init__(self, seed: int, number: int) -> None:
        self._key = seed.to_bytes(8, "big", signed=True)
        self._number = number

    def fraction(self, *what: str | int) -> float:
        """In [0, 1)."""
        return keyed_fraction(self._key, self._number, *what)

    def below(self, limit: int, *what: str | int) -> int:
        return int(self.fraction(*what) * limit)


def customer(seed: int, number: int) -> Customer:
    """Customer `number` (from 1) of the population with this seed."""
    dice = Dice(seed, number)
    place = PLACES[dice.below(len(PLACES), "place")]
    names = place.language
    return Customer(
        number=number,
        user_id=f"C{number:07d}",
        email=f"c{number:07d}@{MAIL_DOMAINS[dice.below(len(MAIL_DOMAINS), 'domain')]}",
        phone=f"+1{AREA_CODES[number // 100]}55501{number % 100:02d}" if number < 100 * len(AREA_CODES) else None,
        first_name=FIRST[names][dice.below(len(FIRST[names]), "first")],
        last_name=LAST[names][dice.below(len(LAST[names]), "last")],
        place=place,
        plan=PLANS[0 if (point := dice.fraction("plan")) < 0.5 else 1 if point < 0.85 else 2],
        prepaid=dice.fraction("prepaid") < 0.6,
        joined=_FIRST_JOINED + timedelta(days=dice.below(2500, "joined")),
        permits=tuple(topic for topic, share in _PERMITS if dice.fraction("permits", topic) < share),
    )


def history(seed: int, who: Customer) -> list[Deed]:
    """What they did in the last ninety days, oldest first."""
    dice = Dice(seed, who.number)
    deeds = []
    for month in range(3):
        start = timedelta(days=30 * month)
        for turn in range(1 + dice.below(2 if who.prepaid else 1, "topups", month)):
            ago = start + timedelta(minutes=dice.below(30 * 24 * 60, "topup", month, turn))
            deeds.append(Deed(name="Top Up", ago=ago, properties=_top_up(dice, month, turn)))
        if dice.fraction("exhausted", month) < {5: 0.55, 20: 0.3, 60: 0.08}[who.plan.gigabytes]:
            ago = start + timedelta(minutes=dice.below(12 * 24 * 60, "exhausted at", month))
            days_left = ago.days % 30
            deeds.append(Deed(name="Data Exhausted", ago=ago, properties={"plan": who.plan.name, "days_left": days_left}))
    if dice.fraction("changed") < 0.15:
        before = PLANS[dice.below(len(PLANS), "changed from")]
        if before != who.plan:
            ago = timedelta(minutes=dice.below(90 * 24 * 60, "changed at"))
            deeds.append(Deed(name="Plan Changed", ago=ago, properties=plan_change(before, who.plan)))
    return sorted(deeds, key=lambda deed: -deed.ago)


def plan_change(before: Plan, after: Plan) -> dict[str, Any]:
    """Properties of `Plan Changed`."""
    return {"from": before.name, "to": after.name, "price": float(after.price), "currency": "EUR"}


def _top_up(dice: Dice, *when: int) -> dict[str, Any]:
    amount = (5, 10, 15, 20, 30)[dice.below(5, "amount", *when)]
    return {"amount": amount, "currency": "EUR", "channel": ("app", "shop", "site")[dice.below(3, "channel", *when)]}


def daily_deeds(seed: int, customers: int, start: int) -> Iterator[tuple[Customer, Deed]]:
    """An endless stream of everyday life, one deed after another, that goes on from the `start`-th."""
    turn = start
    while True:
        dice = Dice(seed, -1 - turn)
        who = customer(seed, 1 + dice.below(customers, "who"))
        if dice.fraction("what") < 0.7:
            yield who, Deed(name="Top Up", ago=timedelta(), properties=_top_up(dice, turn))
        else:
            days_left = 1 + dice.below(12, "days")
            properties = {"plan": who.plan.name, "days_left": days_left}
            yield who, Deed(name="Data Exhausted", ago=timedelta(), properties=properties)
        turn += 1
