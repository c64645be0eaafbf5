"""What a computed trait is: events of some names, a measure of them, and the rules of both.

A value is a function of the events a person has (those of everybody merged into them included), the definition and the
UTC day. It does not depend on the order in which events arrive.

* Without ``days`` all of history counts; with it the UTC day of now and the ``days - 1`` days before, by the event's own
  time: a value moves at midnight UTC, and a late event counts on its own day.
* ``count`` counts events. ``sum``, ``average``, ``least`` and ``greatest`` are of a property's numbers, with nine places.
  ``first`` and ``last`` are a property's value (text, number or boolean) at the earliest and latest (time, messageId), or
  that event's time where no property is named. ``distinct`` counts a property's different values. ``most_frequent`` is the
  value that came most often, of equals the latest, of those the first by the alphabet.
* ``*`` in a property's path stands for every item of a list (``products.*.category``): each counts by itself.
* An affinity adds up weights by the value of a property, halved for every ``half_life_days`` of age in whole UTC days. The
  trait lists the ``top`` values, strongest first, and ``<name>_share`` is the first one's part of the whole.
* Empty values, and such longer than 500 characters, are not counted. ``default`` is what everybody has about whom there is
  nothing to tell.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.filters import MOST_FILTERS, BadFilter, check_filter, check_path, check_text
from antiphon.awareness.traits.model import LONGEST_NAME, TraitType
from antiphon.foundation.errors import Conflict, Invalid, NotFound

MOST_COMPUTED = 100
MOST_SOURCES = 10
LONGEST_VALUE = 500
SHARE = "_share"

MeasureName = Literal["count", "sum", "average", "least", "greatest", "first", "last", "distinct", "most_frequent"]
State = Literal["filling", "settling", "ready", "removing"]
Days = Annotated[int, Meta(ge=1, le=3650)]


class NoSuchComputedTrait(NotFound):
    """There is no such computed trait."""


class ComputedNameTaken(Conflict):
    """There is a trait called {name} already; choose another name."""


class TooManyComputed(Conflict):
    """There are {most} computed traits already, which is as many as there may be."""


class BeingRemoved(Conflict):
    """This computed trait is being removed."""


class InvalidComputed(Invalid):
    """The definition breaks a rule."""


class Measured(Struct, frozen=True, kw_only=True, tag_field="kind", tag="measure", forbid_unknown_fields=True):
    """A measure of one event's occurrences, or of one of its properties."""

    measure: MeasureName
    event: str
    where: list[PropertyFilter] = []
    property: str | None = None
    days: Days | None = None
    default: str | int | float | bool | None = None


class AffinitySource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events that tell of a liking for the value of one of their properties, and how strongly."""

    event: str
    property: str
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    where: list[PropertyFilter] = []


class Affinity(Struct, frozen=True, kw_only=True, tag_field="kind", tag="affinity", forbid_unknown_fields=True):
    """What somebody seems to like, inferred from what they did."""

    sources: Annotated[list[AffinitySource], Meta(min_length=1, max_length=MOST_SOURCES)]
    half_life_days: Annotated[int, Meta(ge=7, le=3650)] = 90
    top: Annotated[int, Meta(ge=1, le=20)] = 5


Definition: TypeAlias = Measured | Affinity


class ComputedTrait(Struct, frozen=True, kw_only=True):
    """A computed trait. `people` have a value; `state` is `filling` and `settling` until everybody has theirs."""

    id: int
    name: str
    description: str
    definition: Definition
    state: State
    people: int | None
    filled_at: datetime | None
    created_at: datetime
    created_by: str


def names_of(name: str, definition: Definition) -> tuple[str, ...]:
    """The traits a definition writes."""
    return (name, name + SHARE) if isinstance(definition, Affinity) else (name,)


def sources_of(definition: Definition) -> list[AffinitySource]:
    """The events a definition counts, each with its conditions and property ('' for none)."""
    if isinstance(definition, Affinity):
        return definition.sources
    return [AffinitySource(event=definition.event, property=definition.property or "", where=definition.where)]


def type_of(definition: Definition) -> TraitType | None:
    """The type its trait has; None when the values tell."""
    match definition:
        case Affinity():
            return "text_list"
        case Measured(measure="most_frequent"):
            return "text"
        case Measured(measure="first" | "last", property=prop):
            return "instant" if prop is None else None
        case _:
            return "number"


def check_definition(name: str, definition: Definition) -> None:
    """Raise InvalidComputed, naming the field, unless it can be computed."""
    if not name.strip() or len(name) > LONGEST_NAME - len(SHARE) or name.startswith("$"):
        raise InvalidComputed(
            f"give a name of at most {LONGEST_NAME - len(SHARE)} characters, not beginning with $", field="name"
        )
    try:
        check_text(name, "name")
        for i, source in enumerate(sources_of(definition)):
            place = f"definition.sources[{i}]" if isinstance(definition, Affinity) else "definition"
            check_text(source.event, f"{place}.event")
            if not source.event:
                raise BadFilter("give the name of an event", f"{place}.event")
            if len(source.where) > MOST_FILTERS:
                raise BadFilter(f"at most {MOST_FILTERS} conditions on properties", f"{place}.where")
            for n, one in enumerate(source.where):
                check_filter(one, f"{place}.where[{n}]")
            if source.property or isinstance(definition, Affinity):
                _check_property(source.property, f"{place}.property")
    except BadFilter as wrong:
        raise InvalidComputed(wrong.rule, field=wrong.field) from None
    if isinstance(definition, Measured):
        _check_measured(definition)


def _check_property(path: str, place: str) -> None:
    check_path(path, place)
    steps = path.split(".")
    if steps.count("*") > 1 or steps[0] == "*":
        raise BadFilter("* stands once, for the items of a list, after its name", place)


def _check_measured(definition: Measured) -> None:
    measure, prop = definition.measure, definition.property
    if measure == "count" and prop is not None:
        raise InvalidComputed("count takes no property", field="definition.property")
    if prop is None and measure not in ("count", "first", "last"):
        raise InvalidComputed(f"{measure} needs a property", field="definition.property")
    if prop is not None and "*" in prop.split(".") and measure in ("first", "last"):
        raise InvalidComputed(f"{measure} is of one value, not of a list's", field="definition.property")
    default = definition.default
    kind = type_of(definition)
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if default is not None and (
        (kind == "number" and not number) or (kind == "text" and not isinstance(default, str)) or kind == "instant"
    ):
        rule = "a time has no default" if kind == "instant" else f"must be of the trait's type, {kind}"
        raise InvalidComputed(rule, field="definition.default")
    if isinstance(default, str):
        try:
            check_text(default, "definition.default")
        except BadFilter as wrong:
            raise InvalidComputed(wrong.rule, field=wrong.field) from None
    if number and not (-1e18 < float(default or 0) < 1e18):
        raise InvalidComputed("must be a number below 1e18", field="definition.default")


def decode_definition(body: object) -> Definition:
    """A definition as the database keeps it."""
    found: Definition = msgspec.convert(body, Definition, strict=False)
    return found
