"""Journeys to start from, as files of YAML: whole definitions, with texts in each language and places to fill in.

A text that differs by language is a mapping ``{en: …, ru: …, zh: …}``; a place to fill in is ``{fill: segment, title: …}``
(or an event, a topic, a url), which becomes a harmless value here and is listed, so that the console can ask for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.journeys.as_yaml import plain_of
from antiphon.execution.journeys.model import Definition
from antiphon.foundation.words import LANGUAGES, Language

FOLDER = Path(__file__).with_name("templates")
ORDER = (
    "welcome", "abandoned_basket", "win_back", "onboarding", "top_up_reminder", "survey", "one_time_code",
)  # fmt: skip
HARMLESS: dict[str, Any] = {"segment": 1, "event": "Event", "number": 1, "text": "…", "topic": "news", "url": "https://example.com/"}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the definition that its author fills in: what it wants (`segment`: an id), and what for."""

    path: str
    wants: str
    title: str


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A journey to start from, in one language."""

    name: str
    title: str
    description: str
    definition: Definition
    places: list[Place]


@cache
def examples(language: Language) -> list[Example]:
    """All of them, in the order they are offered."""
    return [_example(name, language) for name in ORDER]


def _example(name: str, language: Language) -> Example:
    plain = plain_of((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    places: list[Place] = []
    said = _in_language(plain, language, "", places)
    title, description = said.pop("name"), said.pop("description")
    return Example(
        name=name, title=title, description=description, definition=msgspec.convert(said, Definition), places=places
    )


def _in_language(part: Any, language: Language, path: str, places: list[Place]) -> Any:
    """The same in one language, with harmless values at the places to fill in, which are listed."""
    if isinstance(part, dict):
        if part.keys() == set(LANGUAGES):
            return part[language]
        if "fill" in part:
            places.append(Place(path=path, wants=part["fill"], title=part["title"][language]))
            return part.get("value", HARMLESS[part["fill"]])
        return {key: _in_language(one, language, f"{path}.{key}" if path else key, places) for key, one in part.items()}
    if isinstance(part, list):
        return [_in_language(one, language, f"{path}[{n}]", places) for n, one in enumerate(part)]
    return part
