"""A mail of any size and malice made small and harmless, line by line: what people and mail programs wrote stays, what they
attached goes, and whoever parses the rest meets a bounded number of parts, levels and octets.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import IO

from antiphon.execution.channels.email.files import MOST_FILES, RAW_FILE, RAW_OCTETS, File, file_of

MOST = 2_000_000  # octets kept
PART = 400_000  # octets kept of one part
HEAD = 64_000  # octets of one entity's headers
LINE = 16_384  # octets read at once: a longer line comes in pieces
LINES = 60_000  # lines kept: parsers look at each on every level
DEPTH = 10  # multiparts within one another
PARTS = 300
_TYPE = re.compile(rb"^content-type:\s*([\w.+-]+/[\w.+-]+)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb'boundary\*?0?\*?\s*=\s*(?:"((?:[^"\\]|\\.){1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_KEPT = (b"text/", b"message/")
_ATTACHED = re.compile(rb"^content-disposition:\s*attachment", re.IGNORECASE | re.MULTILINE)


def digest(mail: bytes | IO[bytes]) -> bytes:
    """The mail without what is no text and no report. Never raises for what is in it; one pass, little memory."""
    return _Reading(BytesIO(mail) if isinstance(mail, bytes) else mail).read()


def digest_and_files(mail: bytes | IO[bytes]) -> tuple[bytes, tuple[File, ...]]:
    """The same, and what was attached: the first few files that are not too large. One pass; memory for those files alone."""
    reading = _Reading(BytesIO(mail) if isinstance(mail, bytes) else mail, files=True)
    small = reading.read()
    return small, tuple(one for head, body in reading.files if (one := file_of(head, bytes(body))) is not None)


class _Reading:
    def __init__(self, file: IO[bytes], files: bool = False) -> None:
        self._file = file
        self.files: list[tuple[bytes, bytearray]] = []  # headers and octets of what is attached
        self._files_left, self._files_room = (MOST_FILES, RAW_OCTETS) if files else (0, 0)
        self._attached: bytearray | None = None  # the attachment being read
        self._attached_room = 0
        self._kept: list[bytes] = []
        self._room, self._lines = MOST, LINES
        self._open: list[bytes] = []  # boundaries, outermost first
        self._levels = self._parts = 0
        self._head: list[bytes] | None = []  # the headers being read; None in a body
        self._head_room = HEAD
        self._body_room = 0  # octets that may still be kept of this body
        self._delivery_status = False

    def read(self) -> bytes:
        """All of it."""
        starts = True  # whether this piece begins a line
        while self._room > 0 and self._lines > 0 and self._parts <= PARTS:
            line = self._file.readline(LINE)
            if not line:
                break
            if starts and line.startswith(b"--") and self._open and self._crossed(line):
                starts = line.endswith(b"\n")
                continue
            starts = line.endswith(b"\n")
            if self._head is not None:
                self._read_head(line)
            else:
                if self._attached is not None:
                    self._attach(line)
                if self._body_room > 0:
                    self._body_room -= len(line)
                    self._keep(line)
        if self._head:
            self._end_head()
        return b"".join(self._kept)

    def _keep(self, line: bytes) -> None:
        self._room -= len(line)
        self._lines -= 1
        self._kept.append(line)

    def _attach(self, line: bytes) -> None:
        """A line of an attachment; one that is too large, or one too many, is dropped whole."""
        assert self._attached is not None
        self._attached_room -= len(line)
        if self._attached_room < 0:
            self._files_room += len(self._attached)
            self.files.pop()
            self._attached = None
            return
        self._files_room -= len(line)
        self._attached += line

    def _crossed(self, line: bytes) -> bool:
        """Whether a line is a boundary of something open; if so, what it closes is closed."""
        mark = line.strip()[2:]
        for level in range(len(self._open) - 1, -1, -1):
            boundary = self._open[level]
            if mark in (boundary, boundary + b"--"):
                if self._head:
                    self._end_head()
                closes = mark != boundary
                del self._open[level + (0 if closes else 1) :]
                self._head, self._head_room = (None if closes else []), HEAD
                self._body_room = 0  # what follows the last part is nobody's
                self._attached = None
                self._parts += 1
                self._keep(line)
                return True
        return False

    def _read_head(self, line: bytes) -> None:
        assert self._head is not None
        if line.strip(b"\r\n \t"):
            if self._head_room > 0:
                self._head.append(line if line.endswith(b"\n") else line + b"\n")
            self._head_room -= len(line)
        else:
            self._end_head()
            self._keep(line)

    def _end_head(self) -> None:
        """What kind of entity begins here, and what of it is kept."""
        head = b"".join(self._head or ())
        for line in self._head or ():
            self._keep(line)
        self._head, self._body_room, self._attached = None, 0, None
        flat = _FOLD.sub(b" ", head)
        found = _TYPE.search(flat)
        kind = found[1].lower() if found else b"text/plain"
        if kind.startswith(b"multipart/"):
            boundary = _BOUNDARY.search(flat)
            if boundary and len(self._open) < DEPTH:
                self._open.append((boundary[1] or boundary[2]).replace(b"\\", b"").rstrip())
            elif not boundary:
                self._body_room = PART  # it says it has parts and not where: its text may still be read
        elif kind in (b"message/rfc822", b"message/global"):
            self._levels += 1
            if self._levels <= DEPTH:
                self._head, self._head_room = [], HEAD
        else:
            if kind.startswith(_KEPT):
                self._body_room = PART
            if self._files_left and (not kind.startswith(_KEPT) or (kind.startswith(b"text/") and _ATTACHED.search(flat))):
                self._files_left -= 1
                self._attached, self._attached_room = bytearray(), min(RAW_FILE, self._files_room)
                self.files.append((head, self._attached))
