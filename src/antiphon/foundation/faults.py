"""Fault points: named places where a test makes this process die, or fail, at exactly that instant.

Off unless somebody arms one: a test by `arm`, a benchmark by the variable ``ANTIPHON_FAULT`` of the process it starts, as
``place`` or ``place:3`` (the third time it is passed), where the process kills itself as kill -9 would. Passing a point
that nobody armed costs one look at an empty dict.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

VARIABLE = "ANTIPHON_FAULT"
PLACES = (
    "to_judge", "judged",  # the gate, inside its transaction
    "claiming", "claimed",  # before and after the claim is committed
    "rendered",
    "to_mark", "marked", "said",  # the point of no return: before it is written down, after, and when the channel has answered
    "to_record", "recorded",
)  # fmt: skip
"""Where a message may be on its way."""
JOURNEYS = (
    "hearing", "heard",  # what people did is read, and committed
    "admitting", "admitted", "advancing", "advanced", "listening", "moving", "listened", "moved",  # inside one transaction
)  # fmt: skip
"""Where somebody in a journey may be on their way."""
_armed: dict[str, Callable[[], None]] = {}


def point(place: str) -> None:
    """Here a test may strike."""
    if _armed:
        strike = _armed.get(place)
        if strike is not None:
            strike()


@contextmanager
def arm(place: str, strike: Callable[[], None]) -> Iterator[None]:
    """Strike whenever the place is passed, until the block is left."""
    _armed[place] = strike
    try:
        yield
    finally:
        _armed.pop(place, None)


def after(times: int, strike: Callable[[], None]) -> Callable[[], None]:
    """Strike at this passing and not before."""
    left = times

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            strike()

    return count


def die() -> None:
    """End this process as a kill -9 from outside would."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm_from(env: Mapping[str, str]) -> None:
    """Arm what a process's environment names; at its start."""
    named = env.get(VARIABLE, "")
    if named:
        place, _, times = named.partition(":")
        _armed[place] = after(int(times or 1), die)


arm_from(os.environ)
