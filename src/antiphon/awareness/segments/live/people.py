"""Conditions on people themselves: decided for those whose profile changed, and for those whom time moves across an edge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from antiphon.awareness.segments.check import Checker, Person, trait_holds
from antiphon.awareness.segments.contacts import Contact
from antiphon.awareness.segments.kinds import Age, Anniversary, ConsentIs, Length, Near, Reachable, Share
from antiphon.awareness.segments.live.rows import Column, unix
from antiphon.awareness.segments.model import Node, RelativeInstant, TraitColumn, TraitCondition
from antiphon.awareness.segments.sql import operand
from antiphon.awareness.traits import typed
from antiphon.foundation.postgres import read_json

OF_PEOPLE = (TraitCondition, Age, Anniversary, Length, Near, Share, ConsentIs, Reachable)
OF_CONTACT = (ConsentIs, Reachable)
"""Look at consents and addresses, too."""
BY_THE_CLOCK = (Age, Anniversary)
"""Change at somebody's local midnight: every quarter of an hour is one somewhere."""
_REMEMBERED = 20_000


def traits_of(node: Node) -> set[str]:
    """The traits a condition names."""
    match node:
        case TraitCondition(trait=trait) | Length(trait=trait):
            return {trait}
        case Age(trait=trait, zone=zone) | Anniversary(trait=trait, zone=zone):
            return {trait, zone}
        case Near(latitude=latitude, longitude=longitude):
            return {latitude, longitude}
        case _:
            return set()


def moving(node: Node) -> list[RelativeInstant]:
    """The operands of a condition on a trait that move with time."""
    if not isinstance(node, TraitCondition):
        return []
    return [one for one in (node.value, *node.values) if isinstance(one, RelativeInstant)]


class Known:
    """What a condition on one trait said of values it has met: most people share theirs."""

    def __init__(self, node: TraitCondition, column: TraitColumn) -> None:
        self.node = node
        self.column = column
        self._moves = bool(moving(node))
        self._said: dict[Any, bool] = {}

    def holds(self, person: Person, now: datetime) -> bool:
        raw = person.traits.get(self.node.trait)
        if self._moves or isinstance(raw, dict):
            return trait_holds(self.node, typed(raw, self.column.type), self.column, now)
        key = (type(raw), raw) if not isinstance(raw, list) else repr(raw)
        found = self._said.get(key)
        if found is None:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            self._said[key] = found = trait_holds(self.node, typed(raw, self.column.type), self.column, now)
        return found


def person(row: tuple[Any, ...], contact: Contact | None) -> Person:
    """A row of `people`, and how they can be written to, as conditions see it; without events."""
    profile, traits, *instants = row
    found: dict[str, Any] = read_json(traits)
    for name, at in zip(("$created_at", "$first_seen", "$last_seen"), instants, strict=True):
        if at is not None:
            found[name] = at.isoformat()
    reach = contact or Contact()
    return Person(
        profile, found, [], consents=reach.consents, addresses=reach.addresses, suppressed=reach.suppressed
    )


def decide(node: Node, known: Known | None, people: list[Person], now: datetime, traits: Mapping[str, TraitColumn]) -> Column:
    """For each of some people whether a condition on themselves holds."""
    if known is not None:
        return np.array([known.holds(one, now) for one in people], dtype=np.bool_)
    checker = Checker(now, traits)
    return np.array([checker.holds(node, one) for one in people], dtype=np.bool_)


class Watch:
    """The values of a trait of time in order, to find whom an edge passes. A value that changed is added; the one before
    stays, and costs a look in vain."""

    MOST_FRESH = 20_000

    def __init__(self, values: Column, who: Column) -> None:
        self._fresh: dict[int, int] = {}
        self._sort(values, who)

    def _sort(self, values: Column, who: Column) -> None:
        place = np.argsort(values, kind="stable")
        self.values = values[place]
        self.who = who[place]

    @property
    def bytes(self) -> int:
        return self.values.nbytes + self.who.nbytes

    def note(self, profile: int, value: int) -> None:
        """Somebody has this value now."""
        self._fresh[profile] = value
        if len(self._fresh) > self.MOST_FRESH:
            who = np.fromiter(self._fresh, dtype=np.uint32)
            values = np.fromiter(self._fresh.values(), dtype=np.int64)
            kept = ~np.isin(self.who, who)
            self._sort(np.concatenate((self.values[kept], values)), np.concatenate((self.who[kept], who)))
            self._fresh.clear()

    def between(self, low: int, high: int) -> Column:
        """The people whose value is in ``[low, high]``."""
        first, end = np.searchsorted(self.values, low, "left"), np.searchsorted(self.values, high, "right")
        fresh = [profile for profile, value in self._fresh.items() if low <= value <= high]
        return np.concatenate((self.who[first:end], np.array(fresh, dtype=np.uint32)))


def edge(one: RelativeInstant, column: TraitColumn, now: datetime) -> int:
    """The value an operand stands for at an instant."""
    return value_of(operand(one, column.type, now))


def value_of(value: Any) -> int:
    """An instant, or a date by its midnight in UTC, as a number."""
    return unix(value) if isinstance(value, datetime) else (value.toordinal() - 719_163) * 86_400_000_000


def watch_sql(column: TraitColumn) -> str:
    """The question to the lake for the values to be watched."""
    name = '"' + column.column.replace('"', '""') + '"'
    return f"select profile_id::uinteger as who, epoch_us({name}::timestamp) as value from lake.profile where {name} is not null"
