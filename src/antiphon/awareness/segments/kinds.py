"""The kinds of condition beyond traits and counted events: about the person, how to reach them, and the order of things."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.windows import Fixed, Span

CompareOp = Literal["eq", "ne", "lt", "le", "gt", "ge", "between"]
Days = Annotated[int, Meta(ge=-366, le=366)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]

ZONE = "timezone"
"""The trait with the name of the person's time zone (IANA), unless a condition names another."""


class Age(Struct, frozen=True, tag_field="kind", tag="age", forbid_unknown_fields=True):
    """Full years since a date, on the person's local date: it changes at their local midnight.

    ``trait`` is a date, or an instant, of which the date in UTC is taken. ``zone`` names the trait with the person's time
    zone (IANA, such as ``Europe/Madrid``); where it is not set or not such a name, UTC. Who was born on 29 February is a
    year older on 1 March where there is none. A date in the future is no age, and satisfies nothing.
    """

    trait: str
    op: CompareOp
    value: int | None = None
    high: int | None = None
    zone: str = ZONE


class Anniversary(Struct, frozen=True, tag_field="kind", tag="anniversary", forbid_unknown_fields=True):
    """An anniversary of a date falls on one of the days from ``begin`` to ``end``, both included, counted from the
    person's local today: 0 to 0 is today, 0 to 7 the next seven days and today, -7 to -1 the seven days before today.

    Local dates are as of ``Age``. The anniversary of 29 February is 1 March where there is none. The date itself is no
    anniversary: the first is a year later.
    """

    trait: str
    begin: Days = 0
    end: Days = 0
    zone: str = ZONE


class Length(Struct, frozen=True, tag_field="kind", tag="length", forbid_unknown_fields=True):
    """How many texts a list trait has, repeated ones counted; a list nobody set has no length."""

    trait: str
    op: CompareOp
    value: int | None = None
    high: int | None = None


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A point on Earth in degrees (WGS 84), north and east positive."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Near(Struct, frozen=True, tag_field="kind", tag="near", forbid_unknown_fields=True):
    """Is ``within`` so many metres of a point, edge included, or ``beyond``.

    The place is two number traits in degrees. Distance is by the great circle on a sphere of 6,371,008.8 m (haversine),
    rounded to whole metres. Without both traits, or with values that are no coordinates, neither holds.
    """

    latitude: str
    longitude: str
    place: Place
    metres: Annotated[int, Meta(ge=0, le=20_100_000)]
    op: Literal["within", "beyond"] = "within"


class Share(Struct, frozen=True, tag_field="kind", tag="share", forbid_unknown_fields=True):
    """A stable random share of all profiles: those whose number in ``[0, 100)`` is in ``[begin, end)``, in hundredths.

    The number is made of ``salt`` and the profile's id (MD5), so that shares of one salt do not overlap where their
    ranges do not, and those of different salts are independent. Merging two people leaves the number of the one kept.
    """

    salt: str
    begin: Percent = 0.0
    end: Percent = 100.0


class ConsentIs(Struct, frozen=True, tag_field="kind", tag="consent", forbid_unknown_fields=True):
    """The customer's latest word on being written to on a channel about a topic; ``unknown``: they never said."""

    channel: str
    topic: str
    state: Literal["granted", "withdrawn", "pending", "unknown"] = "granted"


class Reachable(Struct, frozen=True, tag_field="kind", tag="reachable", forbid_unknown_fields=True):
    """May be written to on a channel: has an address of it, which is not suppressed, and granted the topic if one is named.

    Of several addresses the one delivery would use counts: the latest, and of equally late ones the first by the alphabet.
    A suppression that has run out counts until it is taken off the list, which is done within a minute.
    """

    channel: str
    topic: str | None = None


class EventTime(Struct, frozen=True, tag_field="kind", tag="event_time", forbid_unknown_fields=True):
    """The ``first`` (or ``last``) time something was done, of all times until ``now``, falls in a window.

    ``where`` must hold for an event to be one of them. Who never did it satisfies nothing.
    """

    name: str
    which: Literal["first", "last"]
    window: Fixed
    where: list[PropertyFilter] = msgspec.field(default_factory=list)


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a sequence: an event of this name for which ``where`` holds.

    ``at_least`` and ``at_most`` are the gap to the step before, both included. With ``absent`` the step is that no such
    event happened later than the step before: within ``at_most`` of it, or without that, until the next step, or till now.
    """

    name: str
    where: list[PropertyFilter] = msgspec.field(default_factory=list)
    at_least: Span | None = None
    at_most: Span | None = None
    absent: bool = False


class Sequence(Struct, frozen=True, tag_field="kind", tag="sequence", forbid_unknown_fields=True):
    """Things done in order: there is a choice of one event for each step that is not absent, each later than the one before.

    All chosen events are in ``window``, the last no more than ``at_most`` after the first, and every gap is as its step
    says. Two events at one instant are not in order. An absent step with ``at_most`` *d* after an event at *t* means: no
    such event in ``(t, t + d]``, which is only known, and only holds, once ``t + d <= now``. One without: no such event
    strictly between the chosen events around it, or after the last chosen one until ``now``. Events that must be absent
    need not be in the window.
    """

    steps: list[Step]
    window: Fixed | None = None
    at_most: Span | None = None


class Engagement(Struct, frozen=True, tag_field="kind", tag="engagement", forbid_unknown_fields=True):
    """What a customer did with messages on a channel: a condition on the events that delivery writes.

    ``campaign_id`` and ``template_id`` narrow it. ``op`` and ``value`` compare how many such events there are, as an
    event condition does.
    """

    channel: str
    did: Literal["delivered", "opened", "clicked", "replied", "bounced", "unsubscribed", "complained"]
    op: Literal["did", "did_not", "eq", "ne", "lt", "le", "gt", "ge", "between"] = "did"
    value: int | None = None
    high: int | None = None
    campaign_id: Id | None = None
    template_id: Id | None = None
    window: Fixed | None = None


class Lookalike(Struct, frozen=True, tag_field="kind", tag="lookalike", forbid_unknown_fields=True):
    """Is among the ``percent`` of all customers most like the members of a segment, by a model of predictions."""

    id: int
    percent: Annotated[float, Meta(gt=0, le=100)]


OfProfile: TypeAlias = Age | Anniversary | Length | Near | Share
"""Conditions on the row of a profile in the mirror."""
