"""How fast one caller may go on: a small count a minute in each process, forgotten by itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

KEPT = 20_000


class Pace:
    """At most so many calls of one key a minute. Holds the latest KEPT keys only."""

    def __init__(self, most: int = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Count a call; whether it is within the pace."""
        minute = int(self._clock() // 60)
        since, count = self._seen.pop(key, (minute, 0))
        count = count + 1 if since == minute else 1
        self._seen[key] = (minute, count)
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return count <= self._most
