"""`antiphon import` as an operator runs it: the whole way, in a process of its own, with nothing running before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from antiphon.cli.installation import opened_database
from antiphon.foundation.config import Settings

MAP = 'kind = "customers"\n[identities]\nemail = "email"\n[traits]\nplan = "plan"\n'


def antiphon(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("ANTIPHON_")}
    env["ANTIPHON_DATA_DIR"] = str(folder / "data")
    return subprocess.run(
        [sys.executable, "-m", "antiphon", *args], cwd=folder, env=env, capture_output=True, text=True, timeout=180, check=False
    )


def test_the_command_imports_once_and_keeps_what_it_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,plan\nann@x.org,gold\nnobody,red\nbob@x.org,\n")
    (tmp_path / "map.toml").write_text(MAP)
    shown = antiphon(tmp_path, "import", "customers", "people.csv")
    assert shown.returncode == 0, shown.stderr
    assert "ann@x.org" in shown.stdout and '"identities"' in shown.stdout
    args = ("import", "customers", "people.csv", "--map", "map.toml", "--json", "--errors", "refused.csv")
    first = antiphon(tmp_path, *args)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {
        "rows": 3, "refused": 1, "made": 2, "changed": 0, "unchanged": 0, "reasons": {"email names nobody": 1}, "dry_run": False,
    }  # fmt: skip
    assert "nobody" in (tmp_path / "refused.csv").read_text()
    again = json.loads(antiphon(tmp_path, *args).stdout)
    assert (again["made"], again["changed"], again["unchanged"]) == (0, 0, 2)
    (tmp_path / "bad.toml").write_text('kind = "customers"\n')
    refused = antiphon(tmp_path, "import", "customers", "people.csv", "--map", "bad.toml")
    assert refused.returncode == 1 and "at least one identity" in refused.stderr and "Traceback" not in refused.stderr


def test_other_rooms_are_told_and_may_be_spoken_of(tmp_path: Path) -> None:
    """Consents to channels that a room above brings; and journeys hear of the import when a server next runs."""
    (tmp_path / "people.csv").write_text("email,phone,sms\nann@x.org,+4915112345678,yes\nbob@x.org,,no\n")
    said = '[[consents]]\nchannel = "sms"\ntopic = "news"\nstate = { column = "sms" }\nsource = { value = "a shop" }\n'
    map_of_both = MAP.replace("[traits]", 'phone = "phone"\n[traits]').replace('plan = "plan"', 'sms = "sms"') + said
    (tmp_path / "map.toml").write_text(map_of_both)
    done = antiphon(tmp_path, "import", "customers", "people.csv", "--map", "map.toml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == 2
    with opened_database(Settings(data_dir=str(tmp_path / "data"))) as (url, _), psycopg.connect(url) as conn:
        listeners = {row[0] for row in conn.execute("select listener from notice where topic = 'ImportFinished'")}
        assert "journeys.import" in listeners
        assert conn.execute("select channel, state from consent order by state").fetchall() == [("sms", "granted"), ("sms", "withdrawn")]
