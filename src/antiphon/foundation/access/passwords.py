"""Passwords under argon2id, computed off the event loop, two at a time, because each takes 64 MB."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()  # RFC 9106, second recommended option
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_NOBODY = _hasher.hash("nobody has this password")


def use_cheap_hashing() -> None:
    """For tests: the same algorithm with parameters that take a millisecond."""
    global _hasher, _NOBODY
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    _NOBODY = _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """The hash to keep, with its salt and parameters."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


async def password_matches(kept: str | None, password: str) -> bool:
    """Whether `password` is the one kept; takes as long for somebody who does not exist."""
    loop = asyncio.get_running_loop()
    matches = await loop.run_in_executor(_threads, _matches, kept or _NOBODY, password)
    return matches and kept is not None
