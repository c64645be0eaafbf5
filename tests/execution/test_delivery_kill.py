"""kill -9 of sending processes in the middle of a campaign: everybody accounted for, nobody written to twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bench.kill import Workers, play, verify

pytestmark = pytest.mark.store


async def test_everybody_is_accounted_for_and_nobody_is_written_to_twice(database_url: str, tmp_path: Path) -> None:
    cast = Workers(database_url, tmp_path / "data")
    try:
        figures = await play(cast, tmp_path, people=1_500, kills=3, chance=random.Random(7))
    finally:
        cast.stop()
    verify(figures)
