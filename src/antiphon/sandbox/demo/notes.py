"""What the demo remembers between two runs: its sign-in, its write key, and how many turns it played."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Self

import msgspec


class Notes(msgspec.Struct, kw_only=True):
    """Kept in `demo.json`, readable by its owner only."""

    seed: int
    customers: int
    email: str = "owner@meridian.example.com"
    password: str = msgspec.field(default_factory=lambda: "-".join(secrets.token_hex(2) for _ in range(4)))
    write_key: str = ""
    arrived: bool = False
    turns: int = 0
    campaign: int = 0
    """The campaign under way, 0 between turns."""
    log_start: int = 0
    """How many messages the mail server had when that campaign began."""

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The notes of an earlier run; None if there are none or they are of another kind."""
        try:
            return msgspec.json.decode((folder / "demo.json").read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write(self, folder: Path) -> None:
        temporary = folder / "demo.json.new"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / "demo.json")
