"""How long the turns on a processor are that a process asks of Linux: its share stays the same, only when it comes differs.

Who has short turns and becomes ready interrupts one in the middle of a long turn (Linux 6.12 and later, where the wish is a
number of nanoseconds; before that nothing comes of it). So an answer does not wait for a computation of another process.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

SHORT = 300_000
"""For those whom somebody waits for."""
LONG = 6_000_000
"""For work in the background."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def ask_turns(nanoseconds: int) -> bool:
    """Ask for turns of this length, for this thread and those it makes from now on. False where they cannot be asked for."""
    number = _SCHED_SETATTR.get(platform.machine())
    if _libc is None or number is None:
        return False
    # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period, utilisation at least and at most
    wish = struct.pack("=IIQiIQQQII", 56, os.SCHED_OTHER, 0, os.getpriority(os.PRIO_PROCESS, 0), 0, nanoseconds, 0, 0, 0, 0)
    done: int = _libc.syscall(number, 0, wish, 0)
    return done == 0
