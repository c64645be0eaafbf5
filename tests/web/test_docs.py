"""The documents are as the code is: settings, codes, tables, metrics, links, and the tests they name."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


@pytest.fixture(scope="module")
def reference() -> Any:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_everything()
    return module


def test_what_comes_out_of_the_code_is_up_to_date() -> None:
    """In a process of its own: other tests declare errors and metrics that are not the product's."""
    check = [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run scripts/reference.py"


def test_every_setting_is_in_the_table() -> None:
    from antiphon.foundation.config import document

    text = (DOCS / "operations.md").read_text()
    for name, _, meaning in document():
        assert f"| `{name}` | `ANTIPHON_{name.upper()}` |" in text, name
        assert meaning.replace("|", "\\|") in text, name


def test_every_code_is_in_the_list(reference: Any) -> None:
    text = (DOCS / "api.md").read_text()
    missing = [
        cls.code
        for cls in reference.errors_of()
        if cls.__module__.startswith("antiphon.") and reference.status_of(cls) != 500 and f"| `{cls.code}` |" not in text
    ]
    assert missing == []


def test_every_code_of_a_reject_is_in_the_list() -> None:
    text = (DOCS / "api.md").read_text()
    events = ROOT / "src" / "antiphon" / "awareness" / "events"
    source = (events / "calls.py").read_text() + (events / "intake.py").read_text()
    codes = set(re.findall(r'(?:Refused\(|Refusal\((?:one\.)?row, )"([a-z_]+)"', source)) | {"bad_properties", "bad_traits"}
    assert len(codes) > 8
    assert [code for code in sorted(codes - {"bad_"}) if f"`{code}`" not in text] == []


def test_every_table_is_in_the_data_model() -> None:
    text = (DOCS / "data-model.md").read_text()
    made = "\n".join(path.read_text() for path in (ROOT / "migrations").rglob("*.sql"))
    tables = set(re.findall(r"^create table (?:if not exists )?([\w.]+)", made, re.MULTILINE))
    tables -= set(re.findall(r"^drop table (?:if exists )?([\w.]+)", made, re.MULTILINE))
    assert len(tables) > 40
    assert [table for table in sorted(tables) if f"`{table}`" not in text] == []


@pytest.mark.parametrize("document", PAGES, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), f"{document.name}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, target


def test_what_is_named_exists() -> None:
    """Tests, and files of the repository: `tests/rooms/test_x.py::test_it`, `bench/kill.py`."""
    named = {
        (page.name, path, name)
        for page in PAGES
        for path, name in re.findall(r"`((?:tests|bench|scripts|console|migrations|docs|src)/[\w/.]+)(?:::(\w+))?`", page.read_text())
    }
    assert len(named) > 500
    wrong = []
    for page, path, name in sorted(named):
        file = ROOT / path
        if not file.exists() or (name and not re.search(rf"def {name}\b", file.read_text())):
            wrong.append(f"{page}: {path}::{name}")
    assert wrong == []


def test_every_row_of_the_status_says_how_it_stands_and_by_what() -> None:
    rows = [line for line in (DOCS / "status.md").read_text().splitlines() if line.startswith("| ") and "`tests/" in line]
    assert len(rows) > 200
    for row in rows:
        cells = row.strip("|").split(" | ")
        assert len(cells) == 3, row[:80]
        assert "`" in cells[2], row[:80]


def test_the_example_map_is_a_map() -> None:
    from antiphon.awareness.imports import parse_map

    text = (DOCS / "quick-start.md").read_text()
    maps = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert [parse_map(one).kind for one in maps] == ["customers", "events"]
