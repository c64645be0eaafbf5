"""The supervisor: failed parts come back, the end is orderly, and nothing survives the supervisor's own death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from antiphon.foundation.supervisor import HOPELESS, FoundationLost, Part, PartHopeless, Supervisor, command


def python(code: str, *args: str) -> Callable[[], subprocess.Popen[bytes]]:
    return command([sys.executable, "-S", "-c", textwrap.dedent(code), *args], os.environ)


def wait_for(true: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


NOTE_AND_WAIT = """
    import os, signal, sys, time
    def end(*_):
        time.sleep(float(sys.argv[3])); open(sys.argv[1], 'a').write(sys.argv[2] + ' finished\\n'); sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    open(sys.argv[1], 'a').write(sys.argv[2] + ' started\\n')
    while True: time.sleep(10)
"""


def test_a_part_that_fails_is_started_again(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    part = Part("failing", python("import sys; open(sys.argv[1], 'a').write('x'); sys.exit(3)", str(notes)))
    supervisor = Supervisor([part])
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: notes.exists() and len(notes.read_text()) >= 3)
    supervisor.stop()
    thread.join(60)
    assert not thread.is_alive()


def test_the_end_is_in_stages_and_waits_for_work_under_way(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    supervisor = Supervisor(
        [
            Part("below", python(NOTE_AND_WAIT, str(notes), "below", "0"), stage=1),
            Part("above", python(NOTE_AND_WAIT, str(notes), "above", "0.3"), stage=2),
        ]
    )
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: notes.exists() and notes.read_text().count("started") == 2)
    supervisor.stop()
    thread.join(60)
    assert notes.read_text().splitlines()[-2:] == ["above finished", "below finished"]


def test_a_part_that_will_not_end_is_made_to(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    code = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(sys.argv[1], 'w').write('x')
        while True: time.sleep(10)
    """
    supervisor = Supervisor([Part("deaf", python(code, str(notes)), grace=0.2)])
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: notes.exists() and notes.read_text())
    supervisor.stop()
    thread.join(60)
    assert not thread.is_alive()


def test_a_hopeless_part_stops_everything(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    other = Part("other", python(NOTE_AND_WAIT, str(notes), "other", "0"))
    code = f"""
        import os, sys, time
        while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]): time.sleep(0.02)
        raise SystemExit({HOPELESS})
    """
    supervisor = Supervisor([other, Part("hopeless", python(code, str(notes)))])
    with pytest.raises(PartHopeless, match="The hopeless process could not run"):
        supervisor.run()
    assert notes.read_text().splitlines() == ["other started", "other finished"]


def test_the_end_of_the_database_ends_the_parts() -> None:
    started = time.monotonic()
    supervisor = Supervisor([Part("idle", python("import time; time.sleep(600)"))], lambda: time.monotonic() - started < 0.5)
    with pytest.raises(FoundationLost):
        supervisor.run()
    assert time.monotonic() - started < 120


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_part_outlives_the_supervisor(tmp_path: Path, signum: signal.Signals) -> None:
    notes = tmp_path / "notes"
    code = """
        import os, sys
        from antiphon.foundation.supervisor import Part, Supervisor, command
        tell = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
        Supervisor([Part("idle", command([sys.executable, "-S", "-c", tell, sys.argv[1]], os.environ))]).run()
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(notes)])
    wait_for(lambda: notes.exists() and notes.read_text())
    part = psutil.Process(int(notes.read_text()))
    parent.send_signal(signum)
    parent.wait(60)
    wait_for(lambda: not part.is_running() or part.status() == psutil.STATUS_ZOMBIE)
    assert parent.returncode == (-signum if signum == signal.SIGKILL else 0)
