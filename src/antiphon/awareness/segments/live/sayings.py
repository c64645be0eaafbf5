"""What events said in some of their properties, each combination kept once and told by its number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from antiphon.awareness.events.values import dig, properties_of, steps

MOST = 500_000
"""Combinations of one strand."""


class TooMany(Exception):
    """There are more combinations than are kept."""


class Sayings:
    """Numbers combinations in the order in which they come. Texts are JSON lists, one value a path."""

    def __init__(self, paths: Sequence[str], texts: Sequence[str] = ()) -> None:
        self.paths = tuple(sorted(paths, key=lambda path: len(steps(path))))
        self.said: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        for text in texts:
            self.place(text)

    @property
    def bytes(self) -> int:
        """About what they take."""
        return len(self.said) * 500

    def of(self, properties: dict[str, Any]) -> int:
        """The number of what an event said."""
        return self.place(json.dumps([dig(properties, path) for path in self.paths]))

    def place(self, text: str) -> int:
        """The number of a combination. Raises TooMany."""
        found = self._places.get(text)
        if found is None:
            if len(self.said) >= MOST:
                raise TooMany
            self._places[text] = found = len(self.said)
            values = properties_of(f'{{"values": {text}}}')["values"]
            self.said.append(_nested(self.paths, values))
        return found


def _nested(paths: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Properties in which each path leads to its value. What a shorter path holds already holds the longer's, too."""
    made: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        *way, last = steps(path)
        here: Any = made
        for step in way:
            here = here.setdefault(step, {}) if isinstance(here, dict) else None
        if isinstance(here, dict) and last not in here:
            here[last] = value
    return made
