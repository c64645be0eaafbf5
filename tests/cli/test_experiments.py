"""`antiphon experiments import` as an analyst runs it: the whole way, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_import import antiphon

PEOPLE = 'kind = "customers"\n[identities]\nuser_id = { row = true, prefix = "p-" }\n[traits]\narm = "group"\n'
ORDERS = """
kind = "events"
only = { bought = ["1"] }
name = { value = "Order Completed" }
time = { value = "2024-05-02" }
[identities]
user_id = { row = true, prefix = "p-" }
[properties]
total = { column = "spend", type = "number" }
"""
EXPERIMENT = """
imports = ["people.toml", "orders.toml"]
key = "letter"
name = "A letter or none"
trait = "arm"
started_at = 2024-05-01T00:00:00Z
finished_at = 2024-05-15T00:00:00Z
[[arms]]
key = "none"
value = "No letter"
[[arms]]
key = "letter"
value = "Letter"
[[metrics]]
kind = "conversion"
name = "Order"
event = "Order Completed"
within_hours = 336
[[metrics]]
kind = "sum"
name = "Spend"
event = "Order Completed"
property = "total"
within_hours = 336
"""


def test_a_file_becomes_an_experiment_with_its_figures(tmp_path: Path) -> None:
    rows = [("No letter", n < 10, 20) for n in range(100)] + [("Letter", n < 25, 22.5) for n in range(100)]
    (tmp_path / "test.csv").write_text("group,bought,spend\n" + "".join(f"{g},{int(b)},{s if b else 0}\n" for g, b, s in rows))
    for name, text in (("people", PEOPLE), ("orders", ORDERS), ("experiment", EXPERIMENT)):
        (tmp_path / f"{name}.toml").write_text(text)
    done = antiphon(tmp_path, "experiments", "import", "test.csv", "--map", "experiment.toml", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    order, spend = found["metrics"]
    assert [arm["value"] for arm in order["arms"]] == [0.1, 0.25] and [arm["total"] for arm in spend["arms"]] == [200.0, 562.5]
    assert order["others"][0]["verdict"] == "better" and order["others"][0]["low"] > 0
    again = antiphon(tmp_path, "experiments", "import", "test.csv", "--map", "experiment.toml")
    assert again.returncode == 1 and "the key letter already" in again.stderr and "Traceback" not in again.stderr
    (tmp_path / "experiment.toml").write_text(EXPERIMENT.replace('kind = "sum"', 'kind = "median"'))
    wrong = antiphon(tmp_path, "experiments", "import", "test.csv", "--map", "experiment.toml")
    assert wrong.returncode == 1 and "metrics" in wrong.stderr + wrong.stdout and "Traceback" not in wrong.stderr
