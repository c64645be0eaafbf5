"""Tidying: uploaded files and error files hold people's data, and are not kept for ever."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

KEEP_SECONDS = 14 * 86_400.0
"""How long an uploaded file and the refused rows of an import stay, by the machine's clock."""


def tidy(data: Path, keep: float = KEEP_SECONDS) -> int:
    """Remove uploads, staged rows and error files untouched for so long; returns how many."""
    removed, before = 0, time.time() - keep
    for folder in (data / "uploads", data / "imports"):
        for found in folder.iterdir() if folder.is_dir() else ():
            if found.stat().st_mtime < before:
                shutil.rmtree(found) if found.is_dir() else found.unlink(missing_ok=True)
                removed += 1
    return removed


async def _tick(ctx: Context, held: Held) -> bool:
    await asyncio.to_thread(tidy, ctx.settings.data_path)
    return False


LOOPS = (Loop("imports.tidy", _tick, interval=3600.0, buckets=1),)
