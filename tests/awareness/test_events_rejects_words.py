"""Every code a reject can have is in the words of the console."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = {"Refused": 0, "Refusal": 1}
"""Where a refusal takes its code."""
NAMED = {"bad_properties", "bad_traits", "not_understood"}
"""Codes that are put together, or chosen by what failed."""


def _codes() -> Iterator[str]:
    for path in (ROOT / "src" / "antiphon" / "awareness" / "events").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (place := PLACES.get(getattr(node.func, "id", ""))) is not None:
                match node.args[place]:
                    case ast.Constant(value=str() as code):
                        yield code


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_every_code_of_a_reject_is_in_words(language: str) -> None:
    words = json.loads((ROOT / "console" / "src" / "words" / language / "events.json").read_text())
    said = {key.removeprefix("reject_") for key in words if key.startswith("reject_")}
    assert said == {*_codes(), *NAMED}
