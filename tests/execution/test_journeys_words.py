"""The reasons journeys themselves give are words in the console, in every language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon.execution.journeys.chain import IN_CIRCLES
from antiphon.execution.journeys.entries_check import RESERVED

WORDS = Path(__file__).parents[2] / "console" / "src" / "words"


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_every_reason_of_the_journeys_own_is_said(language: str) -> None:
    said = json.loads((WORDS / language / "journeys.json").read_text())["reason"]
    assert RESERVED - {"rest", "erased"} - set(said) == set()
    assert IN_CIRCLES in json.loads((WORDS / language / "journey_fact.json").read_text())["why"]
