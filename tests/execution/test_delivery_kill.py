"""kill -9 of sending processes in the middle of a campaign: everybody accounted for, nobody written to twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bench.kill import at_places, at_random, play, verify
from bench.kill_cast import Workers

from antiphon.foundation.faults import PLACES

pytestmark = pytest.mark.store


async def test_everybody_is_accounted_for_and_nobody_is_written_to_twice(database_url: str, tmp_path: Path) -> None:
    cast = Workers(database_url, tmp_path / "data")
    try:
        figures = await play(cast, tmp_path, 1_500, at_random(3, random.Random(7)))
    finally:
        cast.stop()
    verify(figures)


async def test_dying_at_every_fault_point_loses_nobody_and_doubles_nobody(database_url: str, tmp_path: Path) -> None:
    cast = Workers(database_url, tmp_path / "data", lease=1.0)
    try:
        figures = await play(cast, tmp_path, 1_000, at_places(PLACES))
    finally:
        cast.stop()
    assert figures["kills"] == len(PLACES)
    verify(figures)
