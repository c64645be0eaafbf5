"""`antiphon owner`: the first sign-in of a new installation, and the way back in for an owner who lost theirs."""

from __future__ import annotations

import asyncio

import click

from antiphon.cli.installation import prepare_data_folder, reached_database
from antiphon.foundation.access import bootstrap_owner
from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.process import open_context


@click.command("owner")
@click.argument("email")
@click.option("--name", default="", help="The owner's name.")
@click.password_option(help="The password; asked for if it is not given.")
def command(email: str, name: str, password: str) -> None:
    """Make EMAIL an owner of this installation with a new password."""
    settings = load_settings()
    prepare_data_folder(settings)
    with reached_database(settings) as database_url:
        asyncio.run(make_owner(settings, database_url, email, password, name))
    click.echo(f"{email} is an owner and can sign in at {settings.base_url}")


async def make_owner(settings: Settings, database_url: str, email: str, password: str, name: str = "") -> None:
    """Make or restore an owner. Raises InvalidEmail or WeakPassword."""
    async with open_context(settings, "cli", (), database_url=database_url, lake_socket="", pool=1) as ctx:
        await bootstrap_owner(ctx, email, password, name)
