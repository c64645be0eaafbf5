"""What the API shows of journeys, and what it is told: definitions, versions, moves. Pure types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from antiphon.execution.journeys.errors import JourneyStateConflict
from antiphon.execution.journeys.model import Definition, Finding, JourneyState, Key

Verb = Literal[
    "change", "publish", "roll back", "pause", "resume", "finish", "archive", "take out again", "delete", "let people in",
    "put people back", "submit", "approve", "refuse",
]
Queued = Literal["say", "cancel"]
"""What becomes of messages to those who leave that delivery has not said yet."""
ALLOWED: dict[Verb, frozenset[JourneyState]] = {
    "change": frozenset({"draft", "live", "paused", "finished"}),
    "publish": frozenset({"draft", "live", "paused", "finished"}),
    "roll back": frozenset({"live", "paused"}),
    "pause": frozenset({"live"}),
    "resume": frozenset({"paused"}),
    "finish": frozenset({"live", "paused", "finished"}),
    "archive": frozenset({"draft", "finished"}),
    "take out again": frozenset({"archived"}),
    "delete": frozenset({"draft"}),
    "let people in": frozenset({"live"}),
    "put people back": frozenset({"live", "paused"}),
    "submit": frozenset({"draft", "live", "paused", "finished"}),
    "approve": frozenset({"draft", "live", "paused", "finished"}),
    "refuse": frozenset({"draft", "live", "paused", "finished"}),
}


class Moving(Struct, frozen=True, kw_only=True):
    """What becomes of the people inside when another version goes live, or the journey is ended at once, and how far that is."""

    id: int
    kind: Literal["stay", "move", "leave", "end"]
    back: bool
    from_version: int | None
    to_version: int | None
    map: dict[str, str | None]
    state: Literal["open", "done", "stopped"]
    total: int
    moved: int
    gone: int
    at: datetime
    by: str
    queued: Queued = "say"


class JourneyItem(Struct, frozen=True, kw_only=True):
    """A journey in a list. ``unpublished``: the draft is not what is live. ``inside``: people in it, counted up to 100,000.
    ``entered`` and ``converted``: how often it was entered, and its goal reached; ``days``: entries of each of the last 14 days,
    the last of them today (UTC)."""

    id: int
    name: str
    description: str
    state: JourneyState
    draft_revision: int
    live_version: int | None
    held_reason: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    started_at: datetime | None
    finished_at: datetime | None
    steps: int
    unpublished: bool
    inside: int
    entered: int
    converted: int
    days: list[int]


class Approval(Struct, frozen=True, kw_only=True):
    """Who asked for approval of which revision of the draft, and who decided it how."""

    state: Literal["asked", "approved", "refused"]
    revision: int
    asked_by: str
    asked_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    comment: str = ""


class Journey(Struct, frozen=True, kw_only=True):
    """A journey with its draft. ``moving``: people are being moved to the live version just now. ``authors``: who wrote any of
    the draft
    since it last went live; ``approval`` is of a revision of it, and ``must_be_approved`` whether it goes live only with one."""

    id: int
    name: str
    description: str
    state: JourneyState
    draft: Definition
    draft_revision: int
    live_version_id: int | None
    live_version: int | None
    last_version: int | None
    held_reason: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    started_at: datetime | None
    finished_at: datetime | None
    approval: Approval | None = None
    authors: list[str] = []
    must_be_approved: bool = False
    kept_entries: int = 0
    """Who comes in when it goes on: kept while it is paused."""
    moving: Moving | None = None

    @property
    def approved(self) -> bool:
        """Whether somebody approved the draft as it is."""
        return self.approval is not None and self.approval.state == "approved" and self.approval.revision == self.draft_revision

    def require(self, verb: Verb) -> None:
        """Raise JourneyStateConflict unless the journey's state allows this."""
        if self.state not in ALLOWED[verb]:
            raise JourneyStateConflict(what=self.state, verb=verb)


class Stay(Struct, frozen=True, kw_only=True, tag_field="kind", tag="stay", forbid_unknown_fields=True):
    """Whoever is inside goes on to the end on the version they are on."""


class Leave(Struct, frozen=True, kw_only=True, tag_field="kind", tag="leave", forbid_unknown_fields=True):
    """Whoever is inside leaves the journey now; ``queued``: whether what waits to be said to them is said all the same."""

    queued: Queued = "say"


class Move(Struct, frozen=True, kw_only=True, tag_field="kind", tag="move", forbid_unknown_fields=True):
    """Whoever is inside goes on in the new version: at the step of the same key, or where ``map`` leads from their step; null
    means they leave. Who waits at a step that stays waits on until the instant they were told, unless the length of the wait was
    edited: then until so long after they came to the step. ``queued``: what becomes of messages to those who leave."""

    map: dict[Key, Key | None] = {}
    queued: Queued = "say"


Treatment = Stay | Leave | Move


class VersionHead(Struct, frozen=True, kw_only=True):
    """A published version; ``inside``: people who are on it now; ``approval``: who asked for it and who gave it."""

    id: int
    number: int
    note: str
    published_at: datetime
    published_by: str
    treatment: dict[str, Any] | None
    live: bool
    inside: int
    approval: Approval | None = None


class Version(Struct, frozen=True, kw_only=True):
    """A published version, frozen."""

    id: int
    journey_id: int
    number: int
    definition: Definition
    note: str
    published_at: datetime
    published_by: str
    treatment: dict[str, Any] | None


class StandingPeople(Struct, frozen=True, kw_only=True):
    """People who stand at one step of one version now, and what would become of them: they stay on their version, move to the
    step ``to`` of the new one, leave, or would be lost, which is refused. ``wait``, of who moves: they wait until the instant
    they were told; until another, as the wait's length was edited; or come to the step anew."""

    version: int
    step: str
    title: str
    people: int
    becomes: Literal["stays", "moves", "leaves", "lost"]
    to: str | None = None
    wait: Literal["told", "changed", "anew"] | None = None


class Preview(Struct, frozen=True, kw_only=True):
    """What going live would do to the people inside, and what is wrong with the draft."""

    steps: list[StandingPeople]
    stays: int
    moves: int
    leaves: int
    lost: int
    rewaits: int
    """Of those who move: who waits longer or shorter than they were told."""
    findings: list[Finding]
    map: dict[str, str | None]
    """Where each old step leads."""


class WaitingStep(Struct, frozen=True, kw_only=True):
    """Who stands at a step now: so many, of whom ``listening`` wait for something they do, and when the first goes on."""

    version: int
    step: str
    people: int
    listening: int
    next_at: datetime | None


class Arrow(Struct, frozen=True, kw_only=True):
    """How many people went which way: by the exit ``did`` (``how`` went), rested, left for a reason, reached the goal."""

    step: str
    did: str
    how: str
    people: int


class Counts(Struct, frozen=True, kw_only=True):
    """The numbers on a version's arrows, and who waits at its steps; no version of a draft that was never published."""

    version: int | None
    as_of: datetime
    inside: int
    arrows: list[Arrow]
    waiting: list[WaitingStep]


Note = Annotated[str, msgspec.Meta(max_length=2000)]
