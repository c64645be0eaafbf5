"""`antiphon journeys` as an author runs it, with files in a folder: offline, and against an installation of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from antiphon.foundation.embedded import start_postgres

GOOD = """\
name: Patience
start: wait
steps:
  - key: wait
    kind: wait
    settings:
      seconds: 3600
    next:
      next: over
  - key: over
    kind: end
entries:
  - kind: api
"""


def antiphon(folder: Path, *args: str, url: str | None = None, given: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("ANTIPHON_")}
    env |= {"ANTIPHON_DATA_DIR": str(folder / "data"), "COLUMNS": "200"}
    if url:
        env["ANTIPHON_DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "antiphon", "journeys", *args],
        cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False, input=given,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("next: over", "next: nowhere").replace("3600", "soon"))
    (tmp_path / "longer.yaml").write_text(GOOD.replace("3600", "7200"))
    return tmp_path


def test_validate_needs_nothing_but_the_file(folder: Path) -> None:
    good = antiphon(folder, "validate", "good.yaml")
    assert (good.returncode, good.stdout) == (0, "good.yaml: can go live\n"), good.stderr
    bad = antiphon(folder, "validate", "good.yaml", "bad.yaml")
    assert bad.returncode == 1 and "bad.yaml: cannot go live: 2 errors" in bad.stdout
    assert "steps[0].next.next: next leads to nowhere, which is no step of the journey." in bad.stdout
    found = json.loads(antiphon(folder, "validate", "bad.yaml", "--json").stdout)
    assert {one["code"] for one in found["bad.yaml"]} == {"next_unknown", "settings_invalid", "unreachable"}
    (folder / "broken.yaml").write_text("start: [")
    broken = antiphon(folder, "validate", "broken.yaml")
    assert broken.returncode == 1 and "line 1" in broken.stderr and "Traceback" not in broken.stderr
    assert not (folder / "data").exists()


def test_diff_of_files(folder: Path) -> None:
    same = antiphon(folder, "diff", "good.yaml", "good.yaml")
    assert (same.returncode, same.stdout) == (0, "no difference\n")
    changed = antiphon(folder, "diff", "good.yaml", "longer.yaml")
    assert changed.returncode == 1
    assert changed.stdout == "changed step wait wait\n    settings.seconds: 3600 → 7200\n"


def test_a_journey_from_file_to_live_and_back(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    with start_postgres(tmp_path / "pg", settings={"fsync": "off"}) as server:
        url = server.url
        assert subprocess.run(
            [sys.executable, "-m", "antiphon", "migrate"], capture_output=True, check=False, cwd=folder,
            env={**os.environ, "ANTIPHON_DATABASE_URL": url, "ANTIPHON_DATA_DIR": str(folder / "data")},
        ).returncode == 0  # fmt: skip

        def run(*args: str, fails: bool = False, given: str | None = None) -> str:
            done = antiphon(folder, *args, url=url, given=given)
            assert (done.returncode != 0) == fails, done.stderr + done.stdout
            assert "Traceback" not in done.stderr
            return done.stderr if fails and not done.stdout else done.stdout

        assert run("import", "good.yaml") == "journey 1 (Patience): draft 1\n"
        assert run("export", "1") == GOOD
        listed: list[dict[str, Any]] = json.loads(run("list", "--json"))
        assert [(one["id"], one["state"], one["unpublished"]) for one in listed] == [(1, "draft", True)]
        assert "no version" in run("diff", "1@live", "good.yaml", fails=True)
        run("publish", "1", fails=True, given="n\n")
        assert run("publish", "1", given="y\n") == "journey 1 (Patience): version 1 is live\n"
        assert "3600 → 7200" in run("diff", "1@live", "longer.yaml", fails=True)
        assert "cannot go live" in run("publish", "1", "bad.yaml", "--yes", fails=True)
        assert run("publish", "1", "longer.yaml", "--people", "move", "--note", "longer", "--yes").endswith("version 2 is live\n")
        assert run("export", "1@2", "-o", "out.yaml") == "" and (folder / "out.yaml").read_text() == GOOD.replace("3600", "7200")
        assert run("import", "good.yaml", "--into", "1", "--name", "Haste") == "journey 1 (Haste): draft 3\n"
        assert run("validate", "good.yaml", "--here") == "good.yaml: can go live\n"
        assert "--people move" in run("publish", "1", "--people", "stay", "--map", "a=b", "--yes", fails=True)
        assert "journey 9" in run("export", "9", fails=True)
        assert "neither a file" in run("diff", "nothing.yaml", "good.yaml", fails=True)
        with psycopg.connect(url) as conn:
            conn.execute("update journey_rule set approval = 'always'")
            people = [("author", "marketer"), ("reader", "branch_manager"), ("counter", "analyst")]
            for name, role in people:
                conn.execute("insert into person (email, name, role) values (%s, %s, %s)", (f"{name}@example.com", name, role))
        assert "somebody else has approved" in run("publish", "1", "--people", "stay", "--yes", fails=True)
        assert run("submit", "1", "--as", "author@example.com") == "journey 1 (Haste): approval of draft 3 is asked for\n"
        assert "may not do this" in run("approve", "1", "--draft", "3", "--as", "counter@example.com", fails=True)
        assert "draft" in run("approve", "1", "--draft", "2", "--as", "reader@example.com", fails=True)
        assert run("approve", "1", "--draft", "3", "--as", "reader@example.com") == "journey 1 (Haste): draft 3 is approved\n"
        assert run("publish", "1", "--people", "stay", "--yes").endswith("version 3 is live\n")
