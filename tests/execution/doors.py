"""The rooms that callbacks and public pages stand on, for tests of them: import `rooms` and `ctx` as fixtures."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from antiphon.foundation.context import Context

NAMES = (
    "foundation.access", "awareness.profiles", "awareness.consent", "awareness.events", "execution.channels", "execution.content",
    "execution.delivery", "web",
)  # fmt: skip


@pytest.fixture
def rooms() -> Any:
    return [import_module(f"antiphon.{name}.room").ROOM for name in NAMES]


@pytest.fixture
def ctx(app: Any) -> Context:
    found: Context = app.app.state.ctx
    return found
