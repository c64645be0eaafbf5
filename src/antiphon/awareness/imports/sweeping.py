"""Files somebody brought that name a customer who is to be erased: they go, whole, and so do their refused rows."""

from __future__ import annotations

import asyncio
import gzip
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from antiphon.awareness.imports import store
from antiphon.foundation.context import Context
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.postgres import Connection
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
_BLOCK = 4 << 20
_OVERLAP = 2_000  # bytes: longer than any identity in any encoding
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "latin-1", "gb18030")
_BETWEEN_DIGITS = b" -().\t/"
_PHONE = re.compile(r"\+?[0-9]{8,}")
_CARD = re.compile(r"[0-9A-Z]{6,}")


class ImportUnderWay(Unavailable):
    """An import is running; the customer is erased when it has ended."""

    code = "import-under-way"


async def sweep(ctx: Context, words: Sequence[str]) -> None:
    """Remove every upload and error file with one of these identities in it. Rows staged by an import go when it ends; while
    one runs nobody is forgotten, or its next rows would bring them back. Raises ImportUnderWay."""
    async with ctx.db.connection() as conn:
        if await store.is_running(conn):
            raise ImportUnderWay
    removed = await asyncio.to_thread(remove_mentioning, ctx.settings.data_path, words)
    if removed:
        log.info("files that named an erased customer are removed", files=removed)


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forgetting somebody and an import exclude each other: one that began after the sweep has rows in hand that may name them.
    Raises ImportUnderWay."""
    await store.hold_imports(conn)
    if await store.is_running(conn):
        raise ImportUnderWay


def remove_mentioning(data: Path, words: Sequence[str]) -> int:
    """Returns how many files went."""
    patterns = needles(words)
    removed = 0
    for folder in (data / "uploads", data / "imports"):
        for path in sorted(folder.rglob("*")) if words and folder.is_dir() else ():
            if path.is_file() and path.suffix != ".parquet" and mentions(path, patterns):
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def needles(words: Sequence[str]) -> tuple[re.Pattern[bytes], re.Pattern[bytes] | None]:
    """What to look for: each word by itself in each encoding a file may have; and phone numbers' ends however written."""
    written = sorted({data for word in words for spelled in _spelled(word) for data in _encoded(spelled)})
    phones = sorted({word[-8:].encode() for word in words if _PHONE.fullmatch(word)})
    alone = re.compile(rb"(?<![0-9a-z])(?:" + b"|".join(written or [rb"(?!)"]) + rb")(?![0-9a-z])", re.IGNORECASE)
    return alone, re.compile(b"|".join(phones)) if phones else None


def _spelled(word: str) -> Iterator[str]:
    """A word as it may be written: an address of an international domain in its own letters too, a handle without its sign."""
    yield word
    name, at, domain = word.rpartition("@")
    if at and not name:
        yield domain
    elif at and "xn--" in domain:
        with suppress(UnicodeError):
            labels = [label[4:].encode().decode("punycode") if label[:4] == "xn--" else label for label in domain.split(".")]
            yield name + at + ".".join(labels)


def _encoded(word: str) -> Iterator[bytes]:
    """A pattern of the word in each encoding that has it: of any case and accents, with blanks in what may be a card's number."""
    card = _CARD.fullmatch(word)
    for name in _ENCODINGS:
        with suppress(UnicodeEncodeError):
            gap = b"(?:" + b"|".join(re.escape(one.encode(name)) for one in " -") + b")?" if card else b""
            yield gap.join(_letter(letter, name) for letter in unicodedata.normalize("NFC", word))


def _letter(letter: str, encoding: str) -> bytes:
    if letter.isascii():
        return re.escape(letter.encode(encoding))
    written = {letter.encode(encoding)}
    for case in (letter.lower(), letter.upper()):
        for form in (case, unicodedata.normalize("NFD", case)):
            with suppress(UnicodeEncodeError):
                written.add(form.encode(encoding))
    return b"(?:" + b"|".join(re.escape(one) for one in sorted(written)) + b")"


def mentions(path: Path, patterns: tuple[re.Pattern[bytes], re.Pattern[bytes] | None]) -> bool:
    """Whether a file, unpacked if it is packed, has one of them. One that cannot be unpacked is taken to have."""
    alone, phone = patterns
    try:
        for opened in _opened(path):
            with opened as source:
                before = b""
                while block := source.read(_BLOCK):
                    part = before + block
                    if alone.search(part) or (phone and phone.search(part.translate(None, _BETWEEN_DIGITS))):
                        return True
                    before = part[-_OVERLAP:]
    except (OSError, EOFError, zipfile.BadZipFile):
        return True
    return False


def _opened(path: Path) -> Iterator[IO[Any]]:
    with path.open("rb") as file:
        begins = file.read(4)
    if begins[:2] == b"\x1f\x8b":
        yield cast(IO[bytes], gzip.open(path))  # noqa: SIM115  closed by who reads it
    elif begins == b"PK\x03\x04":
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                yield book.open(name)
    else:
        yield path.open("rb")
