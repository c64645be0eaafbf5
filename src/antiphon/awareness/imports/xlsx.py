"""Office Open XML workbooks (ECMA-376) as rows of text, a row at a time: neither the sheet nor its strings are held in memory.

Texts shared between cells go to a file beside the staged rows and are read back one by one. Cells come out as they are meant:
dates as ISO 8601, yes and no as true and false, whole numbers without `.0`; what failed to calculate is empty.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from xml.parsers import expat

from antiphon.awareness.imports.model import UnreadableFile
from antiphon.awareness.imports.xlsx_sheet import Sheet, local_name

_BLOCK = 1 << 18
_KEPT = 1 << 15  # shared texts remembered
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_PLAIN = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]|_.|\*.', re.IGNORECASE)


class Workbook:
    """An open workbook: the names of its sheets, and the rows of one."""

    def __init__(self, path: Path, folder: Path) -> None:
        """`folder` is for the workbook's shared texts. Raises UnreadableFile."""
        try:
            self._zip = zipfile.ZipFile(path)
            self._folder = folder
            self._open: list[IO[bytes]] = []
            self._paths: dict[str, str] = {}
            self._day_zero = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's dates have no zone
            self._read_index()
        except (zipfile.BadZipFile, KeyError) as failed:
            raise UnreadableFile(why=f"not a spreadsheet ({failed})", field="file") from failed

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()
        for file in self._open:
            file.close()

    @property
    def sheets(self) -> list[str]:
        return list(self._paths)

    def rows(self, sheet: str | None = None, limit: int | None = None) -> Iterator[list[str]]:
        """The rows that have anything in them, each as wide as the first. Raises UnreadableFile."""
        if sheet is not None and sheet not in self._paths:
            raise UnreadableFile(f"the file has no sheet {sheet!r}; it has {', '.join(self._paths)}", field="sheet")
        path = self._paths[sheet or self.sheets[0]]
        texts = self._shared_texts(limit)
        dates = self._date_styles()
        reader = Sheet(texts, dates, self._day_zero)
        width: int | None = None
        for row in self._parsed(path, reader):
            width = len(row) if width is None else width
            while len(row) > width and not row[-1]:
                row.pop()
            yield row + [""] * (width - len(row))
            limit = None if limit is None else limit - 1
            if limit == 0:
                return

    def _parsed(self, path: str, reader: Sheet) -> Iterator[list[str]]:
        parser = _parser(reader.start, reader.end, reader.text)
        for block in self._blocks(path):
            _feed(parser, block)
            yield from reader.done
            reader.done.clear()

    def _blocks(self, path: str) -> Iterator[bytes]:
        try:
            with self._zip.open(path) as file:
                while block := file.read(_BLOCK):
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError) as failed:
            raise UnreadableFile(why=f"the spreadsheet is damaged ({failed})", field="file") from failed

    def _read_index(self) -> None:
        targets: dict[str, str] = {}
        named: list[tuple[str, str]] = []

        def relation(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        def part(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == "sheet":
                relationship = next((value for key, value in attributes.items() if key.endswith("relationships id")), "")
                named.append((attributes.get("name", ""), relationship))
            elif local_name(name) == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                self._day_zero = datetime(1904, 1, 1)  # noqa: DTZ001

        for path, start in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", part)):
            self._zip.getinfo(path)
            parser = _parser(start)
            for block in self._blocks(path):
                _feed(parser, block)
        for title, relationship in named:
            target = targets.get(relationship, "")
            full = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if "worksheets/" in full:  # the others are charts
                self._paths[title] = full
        if not self._paths:
            raise UnreadableFile(why="the workbook has no sheet", field="file")

    def _date_styles(self) -> list[bool]:
        """Whether each cell style shows a date or a time."""
        custom: dict[str, bool] = {}
        styles: list[bool] = []
        inside = [False]

        def start(name: str, attributes: dict[str, str]) -> None:
            match local_name(name):
                case "numFmt":
                    code = _PLAIN.sub("", attributes.get("formatCode", ""))
                    custom[attributes.get("numFmtId", "")] = bool(re.search("[dmyhs]", code.split(";")[0], re.IGNORECASE))
                case "cellXfs":
                    inside[0] = True
                case "xf" if inside[0]:
                    number = attributes.get("numFmtId", "0")
                    styles.append(custom.get(number, number.isdecimal() and int(number) in _DATES))

        def end(name: str) -> None:
            if local_name(name) == "cellXfs":
                inside[0] = False

        if "xl/styles.xml" in self._zip.namelist():
            parser = _parser(start, end)
            for block in self._blocks("xl/styles.xml"):
                _feed(parser, block)
        return styles

    def _shared_texts(self, limit: int | None) -> Callable[[int], str]:
        if "xl/sharedStrings.xml" not in self._zip.namelist():
            return lambda place: ""
        kept = _Texts(self._folder / "texts")
        parser = _parser(kept.start, kept.end, kept.text)
        for block in self._blocks("xl/sharedStrings.xml"):
            _feed(parser, block)
            if limit is not None and kept.count > 100_000:  # a preview looks no further
                break
        look_up, self._open = kept.open()
        return look_up


class _Texts:
    """Shared texts, written to a file one after another; `open` gives a look-up by place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out = path.open("wb")
        self._places = path.with_suffix(".places").open("wb")
        self._at = 0
        self._parts: list[str] = []
        self._phonetic = self._reading = False
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match local_name(name):
            case "si":
                self._parts.clear()
            case "rPh":
                self._phonetic = True
            case "t":
                self._reading = not self._phonetic

    def text(self, data: str) -> None:
        if self._reading:
            self._parts.append(data)

    def end(self, name: str) -> None:
        match local_name(name):
            case "t":
                self._reading = False
            case "rPh":
                self._phonetic = False
            case "si":
                encoded = "".join(self._parts).encode("utf-8", "replace")
                self._places.write(self._at.to_bytes(8, "big"))
                self._out.write(encoded)
                self._at += len(encoded)
                self.count += 1

    def open(self) -> tuple[Callable[[int], str], list[IO[bytes]]]:
        self._places.write(self._at.to_bytes(8, "big"))
        self._out.close()
        self._places.close()
        source, places = self._path.open("rb"), self._path.with_suffix(".places").open("rb")

        @lru_cache(maxsize=_KEPT)
        def look_up(place: int) -> str:
            if not 0 <= place < self.count:
                return ""
            both = os.pread(places.fileno(), 16, place * 8)
            begin, end = int.from_bytes(both[:8], "big"), int.from_bytes(both[8:], "big")
            return os.pread(source.fileno(), end - begin, begin).decode()

        return look_up, [source, places]


def _parser(
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Any:
    def refuse(*_: object) -> None:
        raise UnreadableFile(why="the spreadsheet declares entities of its own", field="file")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(parser: Any, block: bytes) -> None:
    try:
        parser.Parse(block, False)
    except (expat.ExpatError, ValueError) as failed:
        raise UnreadableFile(why=f"the spreadsheet is damaged ({failed})", field="file") from failed
