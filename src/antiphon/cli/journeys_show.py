"""How `antiphon journeys` shows what it found: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from antiphon.execution.journeys.diff import Difference
from antiphon.execution.journeys.findings import sentence
from antiphon.execution.journeys.model import Finding
from antiphon.execution.journeys.shown import JourneyItem, Preview

_COLORS = {"added": "green", "removed": "red", "changed": "yellow", "error": "red", "warning": "yellow"}


def journeys(rows: Sequence[JourneyItem], as_json: bool) -> None:
    """One line a journey."""
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    table = Table("id", "name", "state", "live", "draft", "steps", "inside")
    for one in rows:
        draft = f"{one.draft_revision}{' *' if one.unpublished else ''}"
        live = "–" if one.live_version is None else str(one.live_version)
        table.add_row(str(one.id), escape(one.name), one.state, live, draft, str(one.steps), f"{one.inside:,}")
    _out().print(table)


def findings(found: Mapping[str, Sequence[Finding]], as_json: bool) -> None:
    """What was found in each file."""
    if as_json:
        plain = {
            name: [msgspec.to_builtins(one) | {"sentence": sentence(one)} for one in some] for name, some in found.items()
        }
        click.echo(msgspec.json.encode(plain).decode())
        return
    out = _out()
    for name, some in found.items():
        errors = sum(one.level == "error" for one in some)
        result = "can go live" if not errors else f"cannot go live: {errors} error{'s' if errors > 1 else ''}"
        out.print(f"[bold]{escape(name)}[/]: {result}")
        for one in some:
            color = _COLORS[one.level]
            out.print(f"  [{color}]{one.level}[/] {escape(one.place)}: {escape(sentence(one))}")


def difference(changed: Difference, as_json: bool) -> None:
    """Steps, arrows and fields that differ."""
    if as_json:
        click.echo(msgspec.json.encode(changed).decode())
        return
    out = _out()
    if changed.same:
        out.print("no difference")
    for one in changed.fields:
        out.print(f"[yellow]changed[/] {escape(one.path)}: {_value(one.before)} → {_value(one.after)}")
    for step in changed.steps:
        title = f" ({step.title})" if step.title else ""
        out.print(f"[{_COLORS[step.what]}]{step.what}[/] step [bold]{escape(step.key)}[/] {escape(step.kind + title)}")
        for one in step.fields:
            out.print(f"    {escape(one.path)}: {_value(one.before)} → {_value(one.after)}")
    for arrow in changed.arrows:
        ends = f"{escape(arrow.before or 'the end')} → {escape(arrow.after or 'the end')}"
        out.print(f"[{_COLORS[arrow.what]}]{arrow.what}[/] way {escape(arrow.step)}.{escape(arrow.exit)}: {ends}")


def preview(seen: Preview) -> None:
    """What becomes of the people inside, on standard error: it is what the question is about."""
    out = Console(stderr=True, highlight=False)
    for one in seen.findings:
        out.print(f"[{_COLORS[one.level]}]{one.level}[/] {escape(one.place)}: {escape(sentence(one))}")
    if not seen.steps:
        out.print("nobody is inside")
        return
    table = Table("version", "step", "people", "what becomes of them")
    for group in seen.steps:
        what = f"moves to {group.to}" if group.to else group.becomes
        table.add_row(str(group.version), escape(group.step), f"{group.people:,}", escape(what))
    out.print(table)


def _value(value: Any) -> str:
    text = "nothing" if value is None else msgspec.json.encode(value).decode()
    return escape(text if len(text) <= 120 else text[:117] + "…")


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)
