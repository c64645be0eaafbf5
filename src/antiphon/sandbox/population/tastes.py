"""How customers take to being written to: a seeded model of opening, clicking, buying, leaving and complaining."""

from __future__ import annotations

from typing import Literal

import msgspec

from antiphon.sandbox.population.model import Customer, Dice

Kind = Literal["open", "click", "buy", "unsubscribe", "unsubscribe_page", "complain"]


class Tastes(msgspec.Struct, frozen=True, kw_only=True):
    """Chances, each given the one before it: to open a mail, to click in it, to buy after that; to leave or complain."""

    opens: float
    clicks: float
    buys: float
    leaves: float
    complains: float


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer does about a mail, `after` seconds of their time; `pick` in [0, 1) chooses the link."""

    kind: Kind
    after: float
    pick: float = 0.0


_KINDS = (
    (0.25, Tastes(opens=0.75, clicks=0.40, buys=0.30, leaves=0.002, complains=0.0002)),  # keen
    (0.45, Tastes(opens=0.45, clicks=0.20, buys=0.15, leaves=0.008, complains=0.001)),  # now and then
    (0.25, Tastes(opens=0.12, clicks=0.08, buys=0.05, leaves=0.010, complains=0.002)),  # hardly
    (0.05, Tastes(opens=0.35, clicks=0.02, buys=0.02, leaves=0.150, complains=0.030)),  # annoyed
)


def tastes_of(seed: int, who: Customer) -> Tastes:
    """This customer's tastes."""
    point = Dice(seed, who.number).fraction("tastes")
    for share, tastes in _KINDS:
        point -= share
        if point < 0:
            return tastes
    return _KINDS[-1][1]


def reactions(seed: int, who: Customer, mail: str, patience: float = 1.0) -> list[Reaction]:
    """What the customer does about the mail with this id, in order; `patience` stretches their time."""
    dice = Dice(seed, who.number)
    tastes = tastes_of(seed, who)

    def moment(what: str, mean: float) -> float:
        return patience * mean * (0.2 + 1.6 * dice.fraction(mail, what, "when"))

    found: list[Reaction] = []
    at = moment("open", 20.0)
    if dice.fraction(mail, "complain") < tastes.complains:
        return [Reaction(kind="complain", after=at)]
    leaves = dice.fraction(mail, "leave") < tastes.leaves
    if dice.fraction(mail, "open") < tastes.opens:
        found.append(Reaction(kind="open", after=at))
        if not leaves and dice.fraction(mail, "click") < tastes.clicks:
            at += moment("click", 8.0)
            found.append(Reaction(kind="click", after=at, pick=dice.fraction(mail, "link")))
            if dice.fraction(mail, "buy") < tastes.buys:
                found.append(Reaction(kind="buy", after=at + moment("buy", 15.0), pick=dice.fraction(mail, "what")))
    if leaves:
        page = dice.fraction(mail, "page") < 0.4
        found.append(Reaction(kind="unsubscribe_page" if page else "unsubscribe", after=at + moment("leave", 5.0)))
    return found
