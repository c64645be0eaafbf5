"""What the documents show works as shown: endpoints, commands, bodies, kinds of condition and of step."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from antiphon.awareness.segments.model import And, InSegment, Node, Not, Or, walk
from antiphon.cli.group import root
from antiphon.execution.campaigns.messages import MessageBody
from antiphon.execution.channels import Channel
from antiphon.execution.delivery.verifications_http import AskVerification
from antiphon.execution.journeys.contract import Cause
from antiphon.execution.journeys.kinds.registry import installed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
DOCUMENT = json.loads((ROOT / "console" / "openapi.json").read_text())


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip(".,:"))


def test_every_endpoint_that_is_named_is_there() -> None:
    known = {(method.upper(), _plain(path)) for path, item in DOCUMENT["paths"].items() for method in item}
    named = {
        (page.name, method, _plain(path))
        for page in PAGES
        for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE)\s+`?(/v1/[\w/{}.-]+)", page.read_text())
    }
    assert len(named) > 30
    assert [one for one in sorted(named) if one[1:] not in known and "{" not in one[1]] == []


def _commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for block in re.findall(r"```[a-z]*\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                found = re.match(r"(?:\$ |\w+=\S+ )*(?:\.venv/bin/)?antiphon (.*)", line)
                if found:
                    yield page.name, shlex.split(found[1], comments=True)


def test_every_command_that_is_shown_is_understood() -> None:
    shown = list(_commands())
    assert len(shown) > 12
    for page, words in shown:
        command: click.Command = root
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words[0])
            assert found is not None, f"{page}: antiphon {words[0]}"
            command, words = found, words[1:]
        parser = command.make_parser(click.Context(command))
        parser.parse_args([word.replace("…", "x") for word in words])  # an option nobody knows raises


def _blocks(page: str, title: str) -> list[Any]:
    section = (DOCS / page).read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Segment trees", Node), ("The transactional API", MessageBody), ("Verifications", AskVerification)],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_body_that_is_shown_is_understood(title: str, kind: Any) -> None:
    (shown,) = _blocks("api.md", title)
    read = msgspec.convert(shown, kind)
    if title == "Segment trees":
        assert len(list(walk(read))) > 3


def test_the_quick_starts_tree_is_one() -> None:
    text = (DOCS / "quick-start.md").read_text()
    trees = re.findall(r"""-d '(\{[^']*"tree":[^']*\})'""", text)
    assert len(trees) == 2
    for body in trees:
        msgspec.convert(json.loads(body)["tree"], Node)


def test_every_kind_of_condition_is_told_with_its_keys() -> None:
    section = (DOCS / "api.md").read_text().split("## Segment trees\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    kinds = {*get_args(Node), And, Or, Not, InSegment}
    for kind in kinds:
        tag = kind.__struct_config__.tag
        (row,) = [row for row in rows if f"`{tag}`" in row.split("|")[1]]
        keys = {name for name in kind.__struct_fields__ if name not in {"zone"}}
        assert [key for key in sorted(keys) if f"`{key}`" not in row] == [], tag


def test_every_kind_of_step_is_told_with_its_ways() -> None:
    rows = [line.split("|") for line in (DOCS / "steps.md").read_text().splitlines() if line.startswith("| `")]
    told = {name: row[2] for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert set(told) == {kind.name for kind in installed()}
    for kind in installed():
        if not any(field.required for field in msgspec.structs.fields(kind.Settings)):
            assert [way for way in kind.exits(kind.Settings()) if way not in told[kind.name]] == [], kind.name


async def test_the_kind_of_step_that_is_shown_passes_its_suite() -> None:
    text = (DOCS / "steps.md").read_text().split("## A kind of your own\n")[1]
    kind, its_tests = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    made: dict[str, Any] = {}
    for source in (kind, its_tests):
        exec(compile(source, "steps.md", "exec", dont_inherit=True), made)
    suite = made["TestDice"]()
    suite.test_it_has_a_name_a_group_and_settings()
    suite.test_settings_make_the_round()
    suite.test_wrong_settings_are_found()
    await suite.test_it_decides_of_everybody_by_its_own_exits(Cause.CAME)
    await suite.test_a_set_goes_as_each_of_them_alone()


def test_what_a_channel_is_asked_for_is_told() -> None:
    text = (DOCS / "channels.md").read_text().split("## The contract suite")[0]
    asked = [name for name in vars(Channel) if not name.startswith("_") and callable(getattr(Channel, name))]
    assert len(asked) >= 4
    assert [name for name in asked if f"`{name}" not in text] == []
