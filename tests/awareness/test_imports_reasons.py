"""Sorts of reasons: what the error file says is counted by its wording, and has a code the console puts into words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon.awareness.consent.preferences.model import ASPECTS
from antiphon.awareness.imports.compile import literal
from antiphon.awareness.imports.reasons import SORT, WORDINGS, reason, reasons
from antiphon.foundation.lake import LakeClient

CATALOGUES = Path(__file__).parents[2] / "console" / "src" / "words"


@pytest.mark.parametrize(
    ("said", "code", "where"),
    [
        ("Age: not a number: old", "not-number", "Age"),
        ("When: not a date and time: 31/02/2026 12:30", "not-instant", "When"),
        ("When: not a date: 1: 2", "not-date", "When"),
        ("Price: net: not a number: a: b", "not-number", "Price: net"),
        ("Note: a NUL in it", "has-nul", "Note"),
        ("loyalty_card names nobody: no identity", "names-nobody", "loyalty_card"),
        ("no identity", "no-identity", None),
        ("no time", "no-time", None),
        ("event name longer than 255 characters", "long-event-name", None),
        ("larger than 1 MB", "too-large", None),
        ("bytes that are not cp1251", "not-of-encoding", "cp1251"),
        ("Quiet: no quiet hours: 22:00-22:00", "no-quiet-hours", "Quiet"),
        ("something else", "unsorted", None),
    ],
)
async def test_a_reason_is_counted_by_its_sort(lake: LakeClient, said: str, code: str, where: str | None) -> None:
    sort = f"coalesce(nullif(rtrim(regexp_extract({literal(said)}, {literal(SORT)}), ': '), ''), {literal(said)})"
    found = reason(str((await lake.run(f"select {sort}"))[0][0]), 3)
    assert (found.code, found.where, found.rows) == (code, where, 3)


def test_the_commonest_come_first() -> None:
    assert [one.code for one in reasons({"no time": 2, "no identity": 5, "broken line": 2})] == [
        "no-identity",
        "broken-line",
        "no-time",
    ]


def test_every_wish_has_its_reason() -> None:
    assert {f"no-{aspect.replace('_', '-')}" for aspect in ASPECTS} <= set(WORDINGS)


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_every_code_is_in_the_consoles_words(language: str) -> None:
    words = json.loads((CATALOGUES / language / "imports.json").read_text())
    assert {key.removeprefix("reason_") for key in words if key.startswith("reason_")} == {*WORDINGS, "not-of-encoding", "unsorted"}
