"""Accounts that do not answer are left alone for a while, longer each time, instead of being asked row by row."""

from __future__ import annotations

import time

FIRST = 5.0  # seconds
LONGEST = 300.0


class Breakers:
    """One process's view of which accounts answer. Machine time."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._pause: dict[int, float] = {}

    def is_open(self, account_id: int) -> bool:
        """Whether to leave this account alone now."""
        return time.monotonic() < self._until.get(account_id, 0.0)

    def fault(self, account_id: int, asked: float = 0.0) -> None:
        """The account did not answer, or asked to wait this many seconds."""
        if self.is_open(account_id):
            return
        pause = min(LONGEST, max(FIRST, asked, self._pause.get(account_id, 0.0) * 2))
        self._pause[account_id] = pause
        self._until[account_id] = time.monotonic() + pause

    def success(self, account_id: int) -> None:
        """The account answers."""
        self._pause.pop(account_id, None)
        self._until.pop(account_id, None)
