"""From any file people bring to UTF-8 CSV the lake can read: spreadsheets, other encodings, lines with a lost quote."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from python_calamine import CalamineError, CalamineWorkbook

from antiphon.awareness.imports.model import LARGEST_ROW, UnreadableFile
from antiphon.awareness.imports.xlsx import Workbook

_BLOCK = 1 << 20
_MOST_LINES = 5_000  # a quoted field of more lines than this is a lost quote, not a field


class LostQuote(NamedTuple):
    """A line that opened a quote which nothing closes; it was left out."""

    line: int
    text: str


def is_spreadsheet(path: Path) -> bool:
    """Whether the file begins as an Office Open XML (zip) or an old Excel (OLE) file does."""
    with path.open("rb") as file:
        head = file.read(8)
    return head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def is_workbook(path: Path) -> bool:
    """Whether it is an Office Open XML workbook, which is read row by row."""
    try:
        with zipfile.ZipFile(path) as packed:
            return "xl/workbook.xml" in packed.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_plain(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if it is gzip."""
    return cast(IO[bytes], gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")


async def file_chunks(path: Path) -> AsyncIterator[bytes]:
    """A file a piece at a time."""
    with path.open("rb") as file:
        while block := file.read(1 << 18):
            yield block


def sheets_of(path: Path) -> list[str]:
    """The names of a spreadsheet's sheets; none of another file. Raises UnreadableFile."""
    if not is_spreadsheet(path):
        return []
    if is_workbook(path):
        with Workbook(path, path.parent) as book:
            return book.sheets
    try:
        return list(CalamineWorkbook.from_path(str(path)).sheet_names)
    except CalamineError as failed:
        raise UnreadableFile(why=f"not a spreadsheet ({failed})", field="file") from failed


def prepare(path: Path, folder: Path, *, encoding: str, sheet: str | None, limit: int | None = None) -> Path:
    """A CSV in UTF-8: the file itself if it is one already, else a copy in `folder`. Blocking; memory stays flat.

    Of a spreadsheet `limit` rows are enough. One of an older format (XLS, XLSB, ODS) is read whole.

    Bytes that are not of the encoding become U+FFFD, whose rows are refused later. Raises UnreadableFile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_spreadsheet(path):
        from_sheet = _from_workbook if is_workbook(path) else _from_spreadsheet
        return from_sheet(path, folder / "sheet.csv", sheet, limit)
    if encoding.lower() in ("utf-8", "utf8"):
        return path
    into = folder / "utf8.csv"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    try:
        with open_plain(path) as source, into.open("w", encoding="utf-8", newline="") as out:
            while block := source.read(_BLOCK):
                out.write(decoder.decode(block))
            out.write(decoder.decode(b"", final=True))
    except (OSError, EOFError) as failed:
        raise UnreadableFile(why=str(failed)) from failed
    return into


def _from_workbook(path: Path, into: Path, sheet: str | None, limit: int | None) -> Path:
    with Workbook(path, into.parent) as book, into.open("w", encoding="utf-8", errors="replace", newline="") as out:
        csv.writer(out).writerows(book.rows(sheet, limit))
    return into


def _from_spreadsheet(path: Path, into: Path, sheet: str | None, limit: int | None) -> Path:
    try:
        book = CalamineWorkbook.from_path(str(path))
        if sheet is not None and sheet not in book.sheet_names:
            raise UnreadableFile(f"the file has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}", field="sheet")
        rows = book.get_sheet_by_name(sheet or book.sheet_names[0]).iter_rows()
        with into.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([_shown(value) for value in row] for row in islice(rows, limit))
    except CalamineError as failed:
        raise UnreadableFile(why=f"not a spreadsheet ({failed})") from failed
    return into


def _shown(value: Any) -> Any:
    """A spreadsheet's value as text; whole numbers without `.0`, as they look in the sheet."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else value


def mend(path: Path, into: Path, *, quote: bytes, delimiter: bytes) -> list[LostQuote]:
    """Copy a CSV without the lines whose quote nothing closes, so that they do not swallow what follows. Blocking.

    A line with an odd number of quotes begins a field of several lines if the lines up to the next odd one make a well
    formed record; otherwise that line alone is broken.
    """
    lost: list[LostQuote] = []
    with open_plain(path) as source, into.open("wb") as out:
        lines: Iterator[tuple[int, bytes]] = enumerate(source, 1)
        held: list[tuple[int, bytes]] = []
        while True:
            number, line = held.pop(0) if held else next(lines, (0, b""))
            if not line:
                break
            if not line.count(quote) & 1:
                out.write(line)
                continue
            ahead, size = 0, len(line)
            while True:  # find the line that could close it
                if ahead == len(held):
                    further = next(lines, None)
                    if further is None:
                        ahead = -1
                        break
                    held.append(further)
                ahead += 1
                size += len(held[ahead - 1][1])
                if held[ahead - 1][1].count(quote) & 1:
                    break
                if ahead >= _MOST_LINES or size > LARGEST_ROW:
                    ahead = -1
                    break
            record = line + b"".join(part for _, part in held[:ahead]) if ahead > 0 else b""
            if record and _well_formed(record, quote, delimiter):
                out.write(record)
                del held[:ahead]
            else:
                lost.append(LostQuote(number, line.decode("utf-8", "replace").rstrip("\r\n")[:2000]))
    return lost


def _well_formed(record: bytes, quote: bytes, delimiter: bytes) -> bool:
    """Whether quotes open only at the beginning of a field and close only at its end (RFC 4180)."""
    text = record.decode("utf-8", "replace").rstrip("\r\n")
    try:
        rows = list(
            csv.reader(io.StringIO(text, newline=""), quotechar=quote.decode(), delimiter=delimiter.decode(), strict=True)
        )
    except csv.Error:
        return False
    return len(rows) == 1
