"""Tying a child's life to its parent's."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here, not in the child: between fork and exec nothing may be imported or allocated that another thread holds.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int = signal.SIGKILL) -> Callable[[], None]:
    """A Popen `preexec_fn` after which the child gets `signum` when the thread that made it is gone.

    TRICKY: the kernel clears the wish when the child changes its user, so this must run after that (Popen's order), and
    it watches the *thread* that forked: make the child in a thread that lives as long as it should.
    """
    parent = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return ask


def follow_parent(signum: int = signal.SIGTERM) -> None:
    """The same wish made by a running process about its own parent."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
