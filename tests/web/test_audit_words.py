"""Every action in the audit log, and every kind of subject, is said in words in the console's languages."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import antiphon

ROOT = Path(antiphon.__file__).parent
WORDS = ROOT.parents[1] / "console" / "src" / "words"
NAMED_ELSEWHERE = {
    *(f"delivery.{verb}" for verb in ("retry", "send_again", "delivered", "not_delivered", "resolve")),
    *(f"experiments.{verb}" for verb in ("start", "stop", "finish")),
    *(f"journeys.{verb}" for verb in ("pause", "resume", "submit", "approve", "refuse", "archive", "unarchive")),
    *(f"campaigns.{verb}" for verb in ("submit", "approve", "refuse", "archive", "unarchive")),
    *(f"profiles.{verb}" for verb in ("accept_merge", "refuse_merge")),
}
"""Actions that are put together or handed on: read where `action=` holds no text of its own."""


def _texts(node: ast.expr) -> Iterator[str]:
    """What an expression says: a text, either side of a choice, or how a text with values in it begins."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text


@cache
def _noted() -> tuple[frozenset[str], frozenset[str]]:
    """The actions and the kinds of subject that calls of `audit` name."""
    actions, kinds = set(), set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "audit"):
                continue
            given = {one.arg: one.value for one in node.keywords}
            actions |= {text for text in _texts(given["action"]) if not text.endswith(".")}
            kinds |= {text.split(":")[0] for text in _texts(given["subject"])}
    return frozenset(actions), frozenset(kinds)


def _words(language: str, file: str) -> dict[str, Any]:
    return dict(json.loads((WORDS / language / f"{file}.json").read_text()))


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_every_action_and_subject_is_said_in_words(language: str) -> None:
    actions, kinds = _noted()
    assert len(actions) > 80 and len(kinds) > 20
    said = {f"{room}.{verb.replace('-', '_')}" for room, verbs in _words(language, "audit_action").items() for verb in verbs}
    assert actions | NAMED_ELSEWHERE <= said, "without words"
    assert said <= actions | NAMED_ELSEWHERE, "words of what is never noted"
    assert {kind.replace("-", "_") for kind in kinds} <= set(_words(language, "audit_subject"))


def test_no_two_actions_are_said_alike() -> None:
    """Who looks for one in the list must be able to tell it from the others."""
    for language in ("en", "ru", "zh"):
        said = sorted(text for verbs in _words(language, "audit_action").values() for text in verbs.values())
        assert [one for one, other in pairwise(said) if one == other] == [], language
