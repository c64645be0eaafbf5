"""Runs a Python command with ANTIPHON_DATABASE_URL naming another PostgreSQL: `external_postgres.py -m pytest -m store`.

That server comes from the same programs but is nobody's child of the suite, listens on TCP and has its own data folder.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.embedded.parent import die_with_parent


def main() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Its data ends with it, and what tests kill are processes of ours, never the machine: nothing need reach the disk.
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "fsync": "off", "full_page_writes": "off"}
    with tempfile.TemporaryDirectory(prefix="antiphon-external-") as folder:
        with start_postgres(Path(folder), settings=settings):
            url = f"postgresql://antiphon@127.0.0.1:{port}/antiphon"
            env = {**os.environ, "ANTIPHON_DATABASE_URL": url}
            command = [sys.executable, *sys.argv[1:]]
            ended = subprocess.run(command, env=env, check=False, preexec_fn=die_with_parent(signal.SIGTERM))
            return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
