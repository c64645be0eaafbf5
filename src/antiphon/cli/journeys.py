"""`antiphon journeys`: journeys kept as YAML, in git or anywhere: listed, validated, compared, published, exported, imported."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from antiphon.app import rooms_of
from antiphon.cli import journeys_show as show
from antiphon.cli.installation import prepare_data_folder, reached_database
from antiphon.execution.journeys import approval, definitions, publishing, service
from antiphon.execution.journeys.anywhere import Anywhere
from antiphon.execution.journeys.as_yaml import Written, from_yaml, to_yaml
from antiphon.execution.journeys.checking import check
from antiphon.execution.journeys.diff import difference
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Finding, JourneyState
from antiphon.execution.journeys.shown import Journey, Leave, Move, Stay, Treatment
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.config import load_settings
from antiphon.foundation.context import Context
from antiphon.foundation.errors import NotFound
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal
from antiphon.foundation.process import open_context

T = TypeVar("T")
File = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
Json = click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")


class NotPublished(NotFound):
    """Journey {journey} was never published: there is no version of it yet."""


@click.group("journeys", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Journeys as YAML: list, validate, diff, publish, export, import.

    A journey is named by its number (7: its draft), with a version (7@3) or with what is live (7@live); or by a file of YAML.
    """


@command.command("list")
@click.option("--state", type=click.Choice(["draft", "live", "paused", "finished", "archived"]), help="Only these.")
@Json
def list_(state: str | None, as_json: bool) -> None:
    """List the journeys of this installation."""

    async def run(ctx: Context, conn: Connection) -> None:
        wanted: JourneyState | None = msgspec.convert(state, type=JourneyState | None)
        rows = await definitions.list_journeys(
            conn, before=None, state=wanted, text=None, limit=10_000, today=ctx.clock.now().date()
        )
        show.journeys(rows, as_json)

    _run(run)


@command.command("validate")
@click.argument("files", nargs=-1, required=True, type=File)
@click.option("--here", is_flag=True, help="Check templates, segments and all else it names against this installation.")
@Json
def validate(files: tuple[Path, ...], here: bool, as_json: bool) -> None:
    """Check FILES of YAML. Fails if one of them could not go live.

    Without --here nothing but the files is looked at: whatever they name is taken to exist.
    """
    written = {str(file): _read(file) for file in files}
    found: dict[str, list[Finding]] = {}

    async def run(ctx: Context, conn: Connection) -> None:
        for name, one in written.items():
            found[name] = await service.check_definition(ctx, conn, one.definition, None)

    if here:
        _run(run)
    else:
        now = datetime.now(UTC)
        for name, one in written.items():
            found[name] = check(one.definition, installed(), Anywhere(definition=one.definition, now=now))
    show.findings(found, as_json)
    if any(one.level == "error" for findings in found.values() for one in findings):
        sys.exit(1)


@command.command("diff")
@click.argument("before")
@click.argument("after")
@Json
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what changed from BEFORE to AFTER: each a file of YAML, or a journey of this installation (7, 7@3, 7@live)."""
    files = {name: _read(Path(name)).definition for name in (before, after) if _is_file(name)}

    async def run(ctx: Context, conn: Connection) -> None:
        for name in (before, after):
            if name not in files:
                files[name] = await _of_installation(conn, name)

    if len(files) < len({before, after}):
        _run(run)
    changed = difference(files[before], files[after])
    show.difference(changed, as_json)
    if not changed.same:
        sys.exit(1)


@command.command("export")
@click.argument("journey")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def export(journey: str, output: Path | None) -> None:
    """Write JOURNEY (7: the draft; 7@3; 7@live) as YAML."""

    async def run(ctx: Context, conn: Connection) -> str:
        one = await service.find(conn, _number(journey.partition("@")[0]))
        return to_yaml(await _of_installation(conn, journey), name=one.name, description=one.description)

    text = _run(run)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


@command.command("import")
@click.argument("file", type=File)
@click.option("--into", type=int, help="The journey whose draft it becomes; without it a new one.")
@click.option("--name", help="What it is called, if not as in the file.")
def import_(file: Path, into: int | None, name: str | None) -> None:
    """Take FILE of YAML as a draft: of a new journey, or of one there is. Nothing goes live."""
    written = _read(file)

    async def run(ctx: Context, conn: Connection) -> Journey:
        if into is None:
            called = name or written.name or file.stem
            return await service.add_journey(
                ctx, conn, SYSTEM, name=called, description=written.description or "", draft=written.definition
            )
        return await _save(ctx, conn, into, written, name)

    one = _run(run)
    click.echo(f"journey {one.id} ({one.name}): draft {one.draft_revision}")


@command.command("publish")
@click.argument("journey", type=int)
@click.argument("file", required=False, type=File)
@click.option("--people", type=click.Choice(["stay", "move", "leave"]), help="What becomes of the people inside.")
@click.option("--map", "mapped", multiple=True, metavar="OLD=NEW", help="People at step OLD go on at NEW; OLD= lets them leave.")
@click.option("--note", default="", help="What this version is about.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def publish(journey: int, file: Path | None, people: str | None, mapped: tuple[str, ...], note: str, yes: bool) -> None:
    """Let the draft of JOURNEY, or FILE, go live, and say what becomes of the people inside."""
    written = None if file is None else _read(file)
    treatment = _treatment(people, mapped)

    async def run(ctx: Context, conn: Connection) -> Journey:
        one = await service.find(conn, journey) if written is None else await _save(ctx, conn, journey, written, None)
        seen = await publishing.preview(ctx, conn, journey, treatment or Stay())
        inside = sum(group.people for group in seen.steps)
        if inside and treatment is None:
            raise click.UsageError(f"{inside} people are inside: say what becomes of them by --people stay, move or leave")
        show.preview(seen)
        if not yes and not service.errors_of(seen.findings) and not seen.lost:
            click.confirm("Let it go live?", abort=True, err=True)
        return await publishing.publish(
            ctx, conn, SYSTEM, journey, revision=one.draft_revision, note=note, treatment=treatment or Stay()
        )

    done = _run(run)
    click.echo(f"journey {done.id} ({done.name}): version {done.live_version} is live")


AsWhom = click.option(
    "--as", "email", required=True, metavar="EMAIL", help="Who decides: somebody who works here and may approve."
)


@command.command("submit")
@click.argument("journey", type=int)
@click.option("--as", "email", metavar="EMAIL", help="Who asks; without it the installation itself.")
def submit(journey: int, email: str | None) -> None:
    """Ask for approval of the draft of JOURNEY: those who may give it are told by e-mail."""

    async def run(ctx: Context, conn: Connection) -> Journey:
        who = SYSTEM if email is None else await _person(ctx, conn, email, "journeys:write")
        one = await service.find(conn, journey)
        return await approval.ask(ctx, conn, who, journey, revision=one.draft_revision)

    done = _run(run)
    click.echo(f"journey {done.id} ({done.name}): approval of draft {done.draft_revision} is asked for")


@command.command("approve")
@click.argument("journey", type=int)
@AsWhom
@click.option("--draft", "revision", type=int, required=True, help="Which draft was read, as `submit` says.")
@click.option("--comment", default="", help="What is said with it.")
@click.option("--refuse", is_flag=True, help="Do not agree; the comment says why.")
def approve(journey: int, email: str, revision: int, comment: str, refuse: bool) -> None:
    """Approve the draft of JOURNEY, or refuse it. Who wrote any of it cannot."""

    async def run(ctx: Context, conn: Connection) -> Journey:
        who = await _person(ctx, conn, email, "journeys:approve")
        return await approval.decide(ctx, conn, who, journey, revision=revision, approve=not refuse, comment=comment)

    done = _run(run)
    click.echo(f"journey {done.id} ({done.name}): draft {done.draft_revision} is {'refused' if refuse else 'approved'}")


async def _person(ctx: Context, conn: Connection, email: str, permission: str) -> Principal:
    """Somebody who works here, if they may do this."""
    row = await (await conn.execute(approval.SQL.person_by_email, {"email": email})).fetchone()
    if row is None:
        raise click.UsageError(f"nobody who works here has the address {email}")
    declared = {name: roles for room in rooms_of(ctx.settings) for name, roles in room.permissions.items()}
    allowed = frozenset(name for name, roles in declared.items() if row[2] in roles)
    who = Principal(id=row[0], kind="person", name=row[1], role=row[2], permissions=allowed)
    if not who.may(permission):
        raise click.UsageError(f"{email} may not do this: it needs {permission}")
    return who


def _treatment(people: str | None, mapped: tuple[str, ...]) -> Treatment | None:
    if mapped and people not in (None, "move"):
        raise click.UsageError("--map goes with --people move")
    if people is None and not mapped:
        return None
    if people == "stay":
        return Stay()
    if people == "leave":
        return Leave()
    pairs = [one.partition("=") for one in mapped]
    if any(not old or not equals for old, equals, _ in pairs):
        raise click.UsageError("--map is written OLD=NEW, or OLD= for those who leave")
    try:
        return msgspec.convert({"map": {old: new or None for old, _, new in pairs}, "kind": "move"}, Move)
    except msgspec.ValidationError as wrong:
        raise click.UsageError(f"--map: {wrong}") from wrong


async def _save(ctx: Context, conn: Connection, journey: int, written: Written, name: str | None) -> Journey:
    one = await service.find(conn, journey)
    if one.draft != written.definition:
        one = await service.save_draft(ctx, conn, SYSTEM, journey, draft=written.definition, revision=one.draft_revision)
    called = name or written.name
    if (called or one.name, written.description or one.description) != (one.name, one.description):
        one = await service.rename(ctx, conn, SYSTEM, journey, name=called, description=written.description)
    return one


async def _of_installation(conn: Connection, name: str) -> Definition:
    """What ``7``, ``7@3`` or ``7@live`` says. Raises NotPublished, JourneyUnknown, JourneyVersionUnknown."""
    number, _, version = name.partition("@")
    one = await service.find(conn, _number(number))
    if not version:
        return one.draft
    wanted = one.live_version if version == "live" else _number(version)
    if wanted is None:
        raise NotPublished(journey=one.id)
    return (await service.version(conn, one.id, wanted)).definition


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise click.BadParameter(f"{text} is neither a file nor a journey (7, 7@3, 7@live)")
    return int(text)


def _is_file(name: str) -> bool:
    return name == "-" or Path(name).is_file()


def _read(file: Path) -> Written:
    """Raises YamlInvalid, with the file's name where it is known."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8", errors="replace")
    return from_yaml(text)


def _run(work: Callable[[Context, Connection], Coroutine[None, None, T]]) -> T:
    """Do something in this installation's database, in one transaction; beside a running one its server is used."""
    settings = load_settings()
    prepare_data_folder(settings)
    rooms = rooms_of(settings)

    async def inside(database_url: str) -> T:
        async with open_context(settings, "cli", rooms, database_url=database_url, lake_socket="", pool=2) as ctx:
            async with ctx.db.transaction() as conn:
                return await work(ctx, conn)

    with reached_database(settings) as database_url:
        return asyncio.run(inside(database_url))
