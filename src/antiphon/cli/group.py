"""The command's root: finds subcommands, loads only the one asked for, and turns failures into one sentence."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

import click

import antiphon
from antiphon.foundation.errors import AntiphonError

_NOT_COMMANDS = {"group", "installation", "readiness", "demo_show", "journeys_show"}


class Subcommands(click.Group):
    """Subcommands by the names of this package's modules."""

    def _modules(self) -> dict[str, str]:
        import antiphon.cli as package

        found = (module.name for module in pkgutil.iter_modules(package.__path__))
        return {name.rstrip("_").replace("_", "-"): name for name in found if name not in _NOT_COMMANDS}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._modules())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self._modules().get(cmd_name)
        if module is None:
            return None
        loaded: Any = importlib.import_module(f"antiphon.cli.{module}")
        command: click.Command = loaded.command
        return command


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(antiphon.__version__, prog_name="antiphon")
def root() -> None:
    """Antiphon: one continuing dialogue with each customer."""


def main(args: list[str] | None = None) -> None:
    """Run the command; a failure we know is one sentence on standard error."""
    try:
        root.main(args, prog_name="antiphon", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except AntiphonError as failed:
        click.echo(f"antiphon: {failed}", err=True)
        sys.exit(1)
