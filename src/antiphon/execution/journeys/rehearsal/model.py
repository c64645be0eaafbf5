"""What is asked of a rehearsal and what it reports. Pure data."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Mode = Literal["history", "forward"]
Share = Annotated[float, Meta(ge=0, le=1)]
MOST_DAYS = 730
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS)]
Sample = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Seed = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Draws = Annotated[int, Meta(ge=0, le=40)]
Replies = Literal["fitted", "recorded"]


class ChannelRates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people answer messages of a channel, as shares: ``delivered`` of what is sent; ``opened`` and ``replied`` of what is
    delivered; ``clicked`` of what is opened; ``converted``: of those who open, who then reach the goal that would not have
    otherwise. None: as the past says."""

    delivered: Share | None = None
    opened: Share | None = None
    clicked: Share | None = None
    replied: Share | None = None
    converted: Share | None = None


class GivenRates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Behaviour as its author expects it; what is not said is fitted to the past. ``channels`` by name; ``events``: by name how
    many each person does a day; ``answers``: the share of calls to other systems that go well."""

    channels: Annotated[dict[str, ChannelRates], Meta(max_length=50)] = {}
    events: Annotated[dict[str, Annotated[float, Meta(ge=0, le=1000)]], Meta(max_length=100)] = {}
    answers: Share = 1.0


class RehearsalAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rehearsal as it is asked for. ``history``: as if the journey had started ``days`` ago, real events replayed; with
    ``replies`` of ``recorded`` what people really did with this journey's own messages is replayed as well. ``forward``: the
    next ``days``. ``sample``: of how many people (a keyed choice), everybody if not said. ``seed`` repeats a rehearsal."""

    mode: Mode = "history"
    days: Days = 90
    sample: Sample | None = None
    rates: GivenRates = field(default_factory=GivenRates)
    replies: Replies = "fitted"
    seed: Seed = 1
    draws: Draws = 12
    """How often behaviour is drawn for the interval; 0 gives none."""


class RehearsedDay(Struct, frozen=True, kw_only=True):
    """Messages of a day on a channel."""

    day: date
    channel: str
    messages: int
    cost_micros: int


class RehearsedRefusal(Struct, frozen=True, kw_only=True):
    """How many messages of a step are refused for a reason."""

    step: str
    channel: str
    reason: str
    people: int


class RehearsedArrow(Struct, frozen=True, kw_only=True):
    """How many went which way from a step; ``how`` as in the history. ``did`` is an exit, ``rest``, or a reason to leave."""

    step: str
    did: str
    how: str
    people: int


class RehearsedWaiting(Struct, frozen=True, kw_only=True):
    """Who still stays at a step at the end: ``for_ever`` of them until something is heard that may never come."""

    step: str
    people: int
    for_ever: int


class RehearsedCollision(Struct, frozen=True, kw_only=True):
    """Where another live journey and this one meet: people in both at a time, days on which both write to somebody, and people
    whom its exclusive group would keep out or put out."""

    journey_id: int
    name: str
    people: int
    days: int
    excluded: int


class ExpectedConversions(Struct, frozen=True, kw_only=True):
    """Passages that reach the goal: how many are expected, and an interval that has the truth in it nine times of ten."""

    mean: float
    low: float
    high: float
    share: float
    draws: int


class RehearsedCircle(Struct, frozen=True, kw_only=True):
    """Steps that lead back to each other, with the people who went round again and again and were not out at the end."""

    steps: list[str]
    people: int
    most_rounds: int


class FittedRate(Struct, frozen=True, kw_only=True):
    """What was fitted of a kind of person: ``level`` 0 is the least active. ``share`` of ``tries``; of events, how many a day."""

    channel: str
    what: str
    level: int
    share: float
    tries: int


class RehearsalReport(Struct, frozen=True, kw_only=True):
    """What would happen. Numbers of people are of the whole population; of a sample they are scaled up (``scale``)."""

    mode: Mode
    days: int
    since: datetime
    until: datetime
    population: int
    sample: int
    scale: float
    entered: int
    entries: dict[str, int]
    finished: dict[str, int]
    inside: int
    messages: list[RehearsedDay]
    cost_micros: int
    currency: str
    slow_days: list[RehearsedDay]
    """Days on which a channel has more to say than its accounts are expected to carry."""
    refused: list[RehearsedRefusal]
    moved: int
    """Messages put off to the end of quiet hours."""
    collisions: list[RehearsedCollision]
    arrows: list[RehearsedArrow]
    waiting: list[RehearsedWaiting]
    conversions: ExpectedConversions | None
    dead: list[RehearsedArrow]
    """Ways nobody went, of steps that have them; and steps (``did`` is empty) nobody came to."""
    circles: list[RehearsedCircle]
    rates: list[FittedRate]
    unforeseen: list[str]
    """Ways in of which nothing is known: nobody enters by them here."""
    assumed: list[str]
    """What was taken for granted, as codes."""
    seconds: float
