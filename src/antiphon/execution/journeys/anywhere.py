"""Surroundings of a definition that is checked with no installation at hand: whatever it names is taken to exist."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from antiphon.awareness.segments import Node
from antiphon.execution.journeys.model import Definition, Finding


class Anywhere(msgspec.Struct, frozen=True, kw_only=True):
    """An installation that has everything."""

    definition: Definition
    now: datetime
    journey_id: int | None = None

    def has_template(self, version_id: int) -> bool:
        """Taken to exist."""
        return True

    def has_channel(self, name: str) -> bool:
        """Taken to exist."""
        return True

    def has_topic(self, name: str) -> bool:
        """Taken to exist."""
        return True

    def has_path(self, message_class: str) -> bool:
        """Taken to have one."""
        return True

    def has_segment(self, segment_id: int) -> bool:
        """Taken to exist."""
        return True

    def announces(self, segment_id: int) -> bool:
        """Taken to do so."""
        return True

    def has_event(self, name: str) -> bool:
        """Taken to have come."""
        return True

    def has_journey(self, journey_id: int) -> bool:
        """Taken to exist."""
        return True

    def has_experiment(self, key: str) -> bool:
        """Taken to run."""
        return True

    def check_tree(self, tree: Node, place: str) -> Iterable[Finding]:
        """What traits there are is not known here; the tree's shape was checked when it was read."""
        return ()
