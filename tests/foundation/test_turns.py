"""Turns on a processor are asked for, and nothing else of how a process is scheduled changes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_READ = """
import ctypes, os, platform, struct
from antiphon.foundation.turns import LONG, SHORT, ask_turns
os.nice(3)
before = os.sched_getscheduler(0), os.nice(0)
print(ask_turns(LONG), ask_turns(SHORT), (os.sched_getscheduler(0), os.nice(0)) == before)
attr = ctypes.create_string_buffer(56)
assert ctypes.CDLL(None).syscall({"x86_64": 315, "aarch64": 275}[platform.machine()], 0, attr, 56, 0) == 0
print(struct.unpack("=IIQiIQQQII", attr.raw)[5] == SHORT)
"""


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="a wish of Linux")
def test_only_the_length_of_turns_changes() -> None:
    told = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True, check=True).stdout.split()
    assert told[:3] == ["True"] * 3
    if tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 12):
        assert told[3] == "True"
