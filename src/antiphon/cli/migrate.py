"""`antiphon migrate`: bring the database up to this version."""

from __future__ import annotations

import asyncio

import click

from antiphon.cli.installation import prepare_data_folder
from antiphon.foundation.config import load_settings
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.postgres import Phase, migrate


@click.command("migrate")
@click.option("--phase", type=click.Choice(("pre", "post")), help="Only what new code needs, or what old code needed.")
def command(phase: Phase | None) -> None:
    """Apply the migrations that have not run yet (`serve` does so by itself: pre before it starts, post once it is ready)."""
    settings = load_settings()
    if settings.database_url:
        applied = asyncio.run(migrate(settings.database_url, phase=phase))
    else:
        prepare_data_folder(settings)
        with start_postgres(settings.data_path) as server:
            applied = asyncio.run(migrate(server.url, phase=phase))
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to do")
