"""What the demo shows on the terminal: its steps, the console's address, a campaign's numbers, the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from antiphon.sandbox.demo import Tally


class Show:
    """Progress goes to standard error; only a headless run's result goes to standard output."""

    def __init__(self, headless: bool, as_json: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._headless = headless
        self._json = as_json
        self._line = ""

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """A step with a spinner while it lasts, and its duration and finding when it is done."""
        began = time.monotonic()
        findings: list[str] = []
        with self._console.status(f"{title} …") if self._console.is_terminal else _quiet():
            yield findings.append
        found = f": {findings[-1]}" if findings else ""
        self._console.print(f"[green]✓[/] {title}{found} [dim]({time.monotonic() - began:.1f} s)[/]")

    def open(self, base: str, email: str, password: str) -> None:
        """Where to look and how to sign in."""
        words = f"Console   [bold]{base}[/]\nSign in   {email}\nPassword  {password}\n\n[dim]Ctrl-C stops everything.[/]"
        self._console.print(Panel(words, title="Antiphon demo", expand=False))

    def watch(self, report: dict[str, Any]) -> None:
        """A campaign's numbers, a line whenever they moved."""
        line = (
            f"  {report['sent']:,} sent, {report['suppressed']:,} kept back, {report['opened']:,} opened, "
            f"{report['clicked']:,} clicked"
        )
        if line != self._line:
            self._line = line
            self._console.print(f"[dim]{line}[/]")

    def result(self, tally: Tally) -> None:
        """A table for people, or the JSON line as the very last."""
        if self._json:
            sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")
            sys.stdout.flush()
            return
        table = Table(title="One turn of the loop", show_header=False)
        for name, value in msgspec.to_builtins(tally).items():
            shown = ", ".join(f"{reason} {count:,}" for reason, count in value.items()) if isinstance(value, dict) else value
            table.add_row(name.replace("_", " "), f"{shown:,}" if isinstance(shown, int) else str(shown))
        Console(highlight=False).print(table)


@contextmanager
def _quiet() -> Iterator[None]:
    yield
