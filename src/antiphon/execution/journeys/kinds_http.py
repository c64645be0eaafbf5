"""Routes about what a journey can be made of: kinds of step, and journeys to start from."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import msgspec

from antiphon.execution.journeys.contract import StepKind
from antiphon.execution.journeys.examples import Example, examples
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.foundation.http import get
from antiphon.foundation.words import Language


class StepKindShown(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of step: its group (`wait`, `branch`, `action`, `flow`), its settings as a JSON schema, and its ways on;
    `own_exits`: more of them follow from the settings."""

    name: str
    group: str
    description: str
    settings: dict[str, Any]
    exits: list[str]
    own_exits: bool


class StepKinds(msgspec.Struct, frozen=True, kw_only=True):
    """All kinds that are installed here."""

    items: list[StepKindShown]


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """Journeys to start from."""

    items: list[Example]


@get("/v1/step-kinds", permission="journeys:read")
async def list_step_kinds() -> StepKinds:
    """The kinds of step: Antiphon's own and those of plug-ins."""
    return StepKinds(items=_shown())


@get("/v1/journey-templates", permission="journeys:read")
async def list_journey_templates(language: Language = "en") -> Examples:
    """Journeys to start from, in a language: definitions with places to fill in."""
    return Examples(items=examples(language))


@cache
def _shown() -> list[StepKindShown]:
    return [
        StepKindShown(
            name=kind.name, group=kind.group, description=inspect.cleandoc(kind.__doc__ or ""),
            settings=_schema(kind), **exits_of(kind),
        )
        for kind in sorted(installed(), key=lambda one: (one.group, one.name))
    ]  # fmt: skip


def _schema(kind: StepKind) -> dict[str, Any]:
    """The schema with its definitions beside it, the settings' own at the top."""
    schema = msgspec.json.schema(kind.Settings)
    parts = schema.get("$defs", {})
    top = parts.pop(kind.Settings.__name__, schema)
    return {**top, "$defs": parts} if parts else dict(top)


def exits_of(kind: StepKind) -> dict[str, Any]:
    """The ways on a kind always has; of one whose ways follow from its settings, those it has when nothing is said."""
    try:
        return {"exits": list(kind.exits(None)), "own_exits": False}
    except AttributeError:
        pass
    try:
        return {"exits": list(kind.exits(msgspec.convert({}, kind.Settings))), "own_exits": True}
    except msgspec.ValidationError:
        return {"exits": [], "own_exits": True}


ROUTES = [list_step_kinds, list_journey_templates]
