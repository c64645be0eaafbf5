"""One-time codes. Pure.

A code is kept nowhere: it follows from a random seed and the installation's secret. The seed travels in the delivery's
variables, the code is worked out where the message is written and where it is checked, and when the seed is thrown away
nobody can work it out any more.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from antiphon.foundation.ids import keyed_hash

SEED = "_code"
"""The variable that carries a code's seed and length; never seen by a template."""


def code_of(secret: bytes, seed: bytes, length: int) -> str:
    """The code of a seed: this many digits."""
    return f"{int.from_bytes(keyed_hash(secret, 'one-time code', seed), 'big') % 10**length:0{length}d}"


def is_code(secret: bytes, seed: bytes, length: int, said: str) -> bool:
    """Whether somebody said the code; blanks and dashes in it do not matter. Takes as long for a wrong one."""
    plain = "".join(c for c in said if c not in " -\u00a0\u2011\u2013")
    return hmac.compare_digest(plain.encode(), code_of(secret, seed, length).encode())


def seeded(seed: bytes, length: int) -> dict[str, Any]:
    """What an intent's variables carry instead of a code."""
    return {SEED: {"seed": seed.hex(), "length": length}}


def is_over(variables: Mapping[str, Any] | None) -> bool:
    """Whether the code that these variables carried can be worked out no more."""
    return variables is not None and bool(variables.get("_over"))


def told(secret: bytes, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """An intent's variables as a template sees them: with ``code``, and ``code_spaced`` for reading aloud."""
    seen = {name: value for name, value in variables.items() if not name.startswith("_")} if variables else {}
    carried = variables.get(SEED) if variables else None
    if isinstance(carried, Mapping):
        code = code_of(secret, bytes.fromhex(carried["seed"]), carried["length"])
        seen |= {"code": code, "code_spaced": ", ".join(code)}
    return seen
