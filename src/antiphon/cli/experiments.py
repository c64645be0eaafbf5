"""`antiphon experiments`: experiments that were made elsewhere, out of a file."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from antiphon.awareness.imports import ImportMap, begin_import, parse_map, take_file
from antiphon.awareness.imports.model import BadMap
from antiphon.cli.import_ import watch, working
from antiphon.cli.installation import prepare_data_folder, reached_database
from antiphon.decisioning.experiments.adopting import Adopted, adopt
from antiphon.decisioning.experiments.results import Comparison, ExperimentResults
from antiphon.decisioning.experiments.watching import results
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.config import Settings, load_settings


class ExperimentFile(Adopted, frozen=True, kw_only=True):
    """An experiment as a map says it, and the maps beside it that bring its people and events (`imports`)."""

    imports: list[str] = []


@click.group("experiments")
def command() -> None:
    """Experiments that were made elsewhere."""


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "map_file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The experiment, and how FILE is read: TOML.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON object.")
def import_experiment(file: Path, map_file: Path, as_json: bool) -> None:
    """Import an experiment that is over from FILE: its customers and events, and who was in which arm.

    The map names the maps that bring customers and events (`imports`, beside it), the trait that says who was in which arm, and
    what is measured. Its results are shown, and stay in the console.
    """
    said = read_experiment(map_file.read_text(encoding="utf-8"))
    maps = [parse_map((map_file.parent / name).read_text(encoding="utf-8")) for name in said.imports]
    settings = load_settings()
    prepare_data_folder(settings)
    with reached_database(settings) as database_url:
        found = asyncio.run(_run(settings, database_url, file, said, maps, quiet=as_json))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        show_results(found)


def read_experiment(text: str) -> ExperimentFile:
    """A map of an experiment. Raises BadMap naming the field."""
    try:
        return msgspec.convert(tomllib.loads(text), ExperimentFile)
    except msgspec.ValidationError as wrong:
        rule, _, where = str(wrong).partition(" - at ")
        field = where.strip("`$.") or None
        raise BadMap(f"{field}: {rule}" if field else rule, field=field) from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise BadMap(f"the map is not TOML: {wrong}") from wrong


async def _run(
    settings: Settings, database_url: str, file: Path, said: ExperimentFile, maps: list[ImportMap], *, quiet: bool
) -> ExperimentResults:
    async with working(settings, database_url) as ctx:
        taken = await take_file(ctx, SYSTEM, file)
        for imported in maps:
            begun = await begin_import(ctx, SYSTEM, file_id=taken.id, imported=imported, dry_run=False)
            await watch(ctx, begun.id, quiet=quiet)
        return await results(ctx, await adopt(ctx, SYSTEM, said))


def show_results(found: ExperimentResults) -> None:
    """The figures as a table."""
    table = Table("metric", "arm", "people", "value", "interval", "beside the first", "interval", "p")
    for metric in found.metrics:
        others: dict[str, Comparison] = {one.arm: one for one in metric.others}
        for arm in metric.arms:
            other = others.get(arm.arm)
            table.add_row(
                metric.metric, arm.arm, f"{arm.people:,}", _number(arm.value), _pair(arm.low, arm.high),
                _number(other.difference, sign=True) if other else "", _pair(other.low, other.high) if other else "",
                f"{other.p:.2g}" if other and other.p is not None else "",
            )  # fmt: skip
    Console().print(table)


def _number(value: Any, *, sign: bool = False) -> str:
    return "" if value is None else f"{value:{'+' if sign else ''}.4f}"


def _pair(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"
