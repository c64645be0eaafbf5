"""Every kind of long work is called by a name in the console's languages, and so is what it says it is at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import antiphon
from antiphon.app import all_rooms

ROOT = Path(antiphon.__file__).parent
WORDS = ROOT.parents[1] / "console" / "src" / "words"
SAID = re.compile(r'"((?:reading|loading|checking) [a-z ]+)"')


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_jobs_are_called_by_names(language: str) -> None:
    words: dict[str, Any] = json.loads((WORDS / language / "job.json").read_text("utf-8"))
    kinds = {kind.name.replace(".", "_") for room in all_rooms() for kind in room.jobs}
    assert kinds - words.keys() == set()
    said = {one.replace(" ", "_") for path in (ROOT / "awareness" / "imports").glob("*.py") for one in SAID.findall(path.read_text("utf-8"))}
    assert said and said - words["says"].keys() == set()
