"""A journey as its author writes it: ways in, steps and where they lead, rules for leaving, a goal. Pure data.

The same shape in the API, in YAML and in the table. A step's ``key`` is its name in all versions: messages are told apart by
it, so an edit that keeps the key never says the same thing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import Node

Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Title = Annotated[str, Meta(max_length=200)]
Path = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[float, Meta(ge=0, le=5 * 366 * 86_400)]
JourneyState = Literal["draft", "live", "paused", "finished", "archived"]
MOST_STEPS = 500
START = ""
"""What leads to `start`; no step is called so."""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. ``settings`` are its kind's; ``next`` tells for each of its exits the key of the step it leads to, or that
    the journey ends there, when the exit is not named."""

    key: Key
    kind: Annotated[str, Meta(min_length=1, max_length=60)]
    settings: dict[str, Any] = {}
    next: dict[str, Key] = {}
    title: Title = ""


class SegmentEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="segment", forbid_unknown_fields=True):
    """Whoever enters (or leaves) a segment. ``present``: at launch also those who are in it already."""

    segment_id: int
    when: Literal["entered", "left"] = "entered"
    present: bool = False


class EventEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="event", forbid_unknown_fields=True):
    """Whoever does this. What happened longer than ``fresh_seconds`` before it was received (an import of history) is not meant.
    """

    match: EventMatch
    fresh_seconds: Seconds = 86_400


class ScheduleEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="schedule", forbid_unknown_fields=True):
    """The members of a segment at a time, or again and again by an RRULE in a time zone. ``start`` is a wall time there."""

    segment_id: int
    start: datetime
    zone: Annotated[str, Meta(max_length=60)]
    rule: Annotated[str, Meta(max_length=500)] = ""


class ApiEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="api", forbid_unknown_fields=True):
    """Whoever `POST /v1/journeys/{id}/entries` names."""


class ImportEntry(Struct, frozen=True, kw_only=True, tag_field="kind", tag="import", forbid_unknown_fields=True):
    """Everybody an import of customers brought or changed, once it is finished; ``source`` is its name, or empty for any."""

    source: Annotated[str, Meta(max_length=200)] = ""


Entry = SegmentEntry | EventEntry | ScheduleEntry | ApiEntry | ImportEntry


class Again(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often one person may enter: ``once``; once in a ``period`` of so many seconds since they last entered; once for each
    ``key`` (the values of these properties of the event or entry: an order's number); or ``always``. ``at_once``: how many
    passages of one person may be under way at a time."""

    rule: Literal["once", "period", "key", "always"] = "once"
    period_seconds: Seconds | None = None
    key: Annotated[list[Path], Meta(max_length=5)] = []
    at_once: Annotated[int, Meta(ge=1, le=1000)] = 1


class WhilePaused(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of who would come in by something they do while the journey is paused: they do not (``drop``), or they come in
    when it goes on (``keep``), as of when they did it; ``most`` at a time of pause, those after them do not."""

    entries: Literal["drop", "keep"] = "drop"
    most: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class ExitRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who leaves, wherever they are: one who does ``event``, or of whom ``condition`` holds (asked whenever they move on)."""

    reason: Key
    event: EventMatch | None = None
    condition: Node | None = None


class Goal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the journey is for: an event, or a condition. Who reaches it has converted and, with ``ends``, leaves."""

    event: EventMatch | None = None
    condition: Node | None = None
    value: Path | None = None
    ends: bool = True


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps drawn together on the canvas."""

    title: Title
    steps: list[Key]
    color: Annotated[str, Meta(max_length=30)] = ""


class Comment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remark on the canvas."""

    text: Annotated[str, Meta(max_length=5000)]
    x: float
    y: float
    width: float = 220
    height: float = 80


class Canvas(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the journey is drawn: no part of what it does."""

    places: dict[str, tuple[float, float]] = {}
    groups: list[Group] = []
    comments: list[Comment] = []


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole journey.

    ``exclusive`` names a set of journeys of which a person is in one at a time: while they are in one, an entry into another
    of no higher ``priority`` (0 is first) is refused, and one of higher priority ends the other where ``displaces``.
    ``most_inside`` limits how many passages are under way; ``holdout_percent`` of those who would enter never do, and are
    compared with. ``zone`` names the trait with a person's time zone.
    """

    start: str = START
    steps: Annotated[list[Step], Meta(max_length=MOST_STEPS)] = []
    entries: Annotated[list[Entry], Meta(max_length=20)] = []
    again: Again = field(default_factory=Again)
    while_paused: WhilePaused = field(default_factory=WhilePaused)
    exits: Annotated[list[ExitRule], Meta(max_length=20)] = []
    goal: Goal | None = None
    holdout_percent: Annotated[float, Meta(ge=0, le=50)] = 0
    exclusive: Annotated[str, Meta(max_length=60)] = ""
    priority: Annotated[int, Meta(ge=0, le=9)] = 5
    displaces: bool = False
    most_inside: Annotated[int, Meta(ge=1)] | None = None
    canvas: Canvas = field(default_factory=Canvas)

    def step(self, key: str) -> Step | None:
        """The step of this key."""
        return next((one for one in self.steps if one.key == key), None)


class Finding(Struct, frozen=True, kw_only=True):
    """Something about a journey its author should know: an ``error`` keeps it from going live. ``place`` is a path into the
    definition (``steps[2].settings.seconds``), ``step`` the key, ``code`` names the rule and ``params`` fill its sentence."""

    level: Literal["error", "warning"]
    code: str
    place: str
    step: str = ""
    params: Mapping[str, Any] = {}
