"""What there is in this installation, for checking a definition: templates, segments, topics, channels, experiments, journeys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from antiphon.awareness.segments import InvalidTree, Known, Node, known, validate
from antiphon.execution.delivery import read_paths
from antiphon.execution.journeys.contract import Surroundings
from antiphon.execution.journeys.definitions import SQL
from antiphon.execution.journeys.findings import error
from antiphon.execution.journeys.model import Definition, Finding
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """The installation as it is now."""

    definition: Definition
    now: datetime
    journey_id: int | None
    templates: frozenset[int]
    journeys: frozenset[int]
    experiments: frozenset[str]
    segments: dict[int, bool]
    """Whether each segment in use tells who enters and leaves it."""
    events: frozenset[str]
    paths: frozenset[str]
    """Message classes with a usual path."""
    known: Known

    def has_template(self, version_id: int) -> bool:
        """Whether it is a published version of a template in use."""
        return version_id in self.templates

    def has_channel(self, name: str) -> bool:
        """Whether anything can be said there."""
        return name in self.known.around.channels

    def has_topic(self, name: str) -> bool:
        """Whether customers may be written to about it."""
        return name in self.known.around.topics

    def has_segment(self, segment_id: int) -> bool:
        """Whether it is in use."""
        return segment_id in self.segments

    def announces(self, segment_id: int) -> bool:
        """Whether entering and leaving it become events."""
        return self.segments.get(segment_id, False)

    def has_path(self, message_class: str) -> bool:
        """Whether its messages have a channel where none is named."""
        return message_class in self.paths

    def has_event(self, name: str) -> bool:
        """Whether one was ever received."""
        return name in self.events

    def has_journey(self, journey_id: int) -> bool:
        """Whether it was not put away."""
        return journey_id in self.journeys

    def has_experiment(self, key: str) -> bool:
        """Whether it leads people to arms."""
        return key in self.experiments

    def check_tree(self, tree: Node, place: str) -> Iterable[Finding]:
        """Whether a segment's tree can be judged."""
        try:
            validate(tree, self.known.traits, self.known.segments, self.known.around)
        except InvalidTree as wrong:
            field = place + (wrong.field or "tree").removeprefix("tree")
            yield error("expression_invalid", field, why=wrong.detail)


async def around(ctx: Context, conn: Connection, definition: Definition, journey_id: int | None) -> Surroundings:
    """Read what a definition is checked against."""
    names = sorted(set(_events(msgspec.to_builtins(definition))))
    row = await (await conn.execute(SQL.what_there_is, {"events": names})).fetchone()
    assert row is not None
    templates, journeys, experiments, segments, events = row
    return Around(
        definition=definition, now=ctx.clock.now(), journey_id=journey_id, templates=frozenset(templates),
        journeys=frozenset(journeys), experiments=frozenset(experiments), segments={int(k): v for k, v in segments.items()},
        events=frozenset(events), paths=frozenset(await read_paths(conn)), known=await known(conn, ctx),
    )  # fmt: skip


def _events(part: Any) -> Iterator[str]:
    """The names of events that are spoken of anywhere."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "event" and isinstance(inner, str):
                yield inner
            yield from _events(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _events(inner)
