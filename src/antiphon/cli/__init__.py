"""The `antiphon` command. Each subcommand is a module of this package that holds a click command named `command`.

The module's name is the subcommand's (a trailing underscore is dropped: `import_.py` is `antiphon import`).
"""

from antiphon.cli.group import main

__all__ = ["main"]
