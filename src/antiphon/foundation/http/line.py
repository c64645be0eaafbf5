"""A connection of the server: plain requests to a few addresses are answered here, all others by the application.

The parser, the scope, a task and its messages cost a small request several times what it is worth. A *swift* address has a
handler beside its ordinary one, which takes a whole request in one call and tells its outcome in another; whatever is unusual
about a request (and every refusal) it declines, and the application answers as if it had not been asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

Done = Callable[[Exception | None], None]
"""Tells the outcome of a request that was taken: None for success."""

MOST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
MOST_BODY = 64 * 1024
"""Bytes of a body that is kept for a swift handler; a longer one is the application's to read."""
MOST_KEPT = 256 * 1024
"""Bytes that may come while an answer is owed before reading pauses."""
MOST_HEADS = 2000
"""Heads remembered: callers say the same one again and again."""
PATIENCE = 75.0
"""Seconds a connection may be silent between requests."""
HURRY = 30.0
"""Seconds of silence within a request's head, or within a body that is kept."""


class Swift(Protocol):
    """The quick way of one address."""

    answer: bytes
    """Headers and body of success, after the status line and the date."""

    def take(self, authorization: bytes | None, body: bytes, done: Done) -> bool:
        """Take a request, and later tell its outcome once by `done`; False leaves it to the application."""
        ...

    def refuse(self, error: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body for a request that was taken and failed."""
        ...

    def note(self, status: int, seconds: float) -> None:
        """Measure an answer."""
        ...


class Head(NamedTuple):
    """What matters of the head of a plain request."""

    swift: Swift
    length: int
    authorization: bytes | None


_LINE = re.compile(rb"POST (/[\x21-\x7e]{0,200}) HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_UNUSUAL = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"te", b"trailer"))


def read_head(head: bytes, ways: Mapping[bytes, Swift]) -> Head | None:
    """The head of a plain request to a swift address; None for every other."""
    line, *fields = head.split(b"\r\n")
    asked = _LINE.fullmatch(line)
    swift = ways.get(asked.group(1)) if asked else None
    if swift is None:
        return None
    length = authorization = host = None
    for field in fields:
        said = _FIELD.fullmatch(field)
        if said is None:
            return None
        name, value = said.group(1).lower(), said.group(2).rstrip()
        if name in _UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 8:
                return None
            length = int(value)
        elif name == b"authorization":
            if authorization is not None:
                return None
            authorization = value
        elif name == b"host":
            if host is not None:
                return None
            host = value
    if length is None or length > MOST_BODY or host is None:
        return None
    return Head(swift, length, authorization)


class Line(HttpToolsProtocol):
    """One connection. `ways` are the swift addresses."""

    ways: Mapping[bytes, Swift] = {}
    _heads: dict[bytes, Head] = {}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.heard = self.loop.time()
        self._kept = b""  # what came of a request that is not whole, or came while an answer is owed
        self._owed: Swift | None = None
        self._began = 0.0
        self._last = False
        self._inside = False  # of a message that the application's parser reads
        self._heading = -1  # bytes of its head so far; -1 after it

    def _at_work(self) -> bool:
        """Whether the application owes an answer."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    # --- what comes

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        self.heard = self.loop.time()
        if self._owed is not None:
            self._kept += data
            if len(self._kept) > MOST_KEPT:
                self.flow.pause_reading()
        elif self._inside or self._at_work():
            self._feed(data)
        else:
            self._begin(self._kept + data if self._kept else data)

    def _begin(self, data: bytes) -> None:
        """The beginning of a request."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._kept = b""
            if len(data) > MOST_HEAD:
                self._too_long()
            else:
                self._kept = data
            return
        head = self._heads.get(data[:end])
        if head is None:
            head = read_head(data[:end], self.ways)
            if head is not None and end < 2000:
                if len(self._heads) >= MOST_HEADS:
                    self._heads.clear()
                self._heads[data[:end]] = head
        if head is not None:
            begins = end + 4
            missing = begins + head.length - len(data)
            if missing > 0:
                self._kept = data
                return
            if missing == 0 and not self.flow.write_paused and self._take(head, data[begins:]):
                return
        self._kept = b""
        self._feed(data)
        if self._last:
            super().shutdown()

    def _take(self, head: Head, body: bytes) -> bool:
        self._began = perf_counter()
        self._owed = head.swift
        try:
            taken = head.swift.take(head.authorization, body, self._tell)
        except BaseException:
            self._owed = None
            raise
        if not taken:
            self._owed = None
            return False
        self._kept = b""
        self._unset_keepalive_if_required()
        return True

    def _feed(self, data: bytes) -> None:
        """Give bytes to the application's parser."""
        if self._heading >= 0:
            self._heading += len(data)
        super().data_received(data)
        if self._heading > MOST_HEAD and self.parser is not None:
            self._too_long()

    def _too_long(self) -> None:
        self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        self._inside, self._heading = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._heading = -1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._inside = False
        super().on_message_complete()

    # --- what goes

    def _tell(self, error: Exception | None) -> None:
        """Answer the request that was taken, and begin the next."""
        swift, self._owed = self._owed, None
        assert swift is not None
        if self.transport.is_closing():
            return
        if error is None:
            status, answer = 200, _ok(self.server_state.default_headers, swift)
        else:
            status, headers, body = swift.refuse(error)
            every = (*self.server_state.default_headers, *headers)
            answer = b"".join((STATUS_LINE[status], *(b"%b: %b\r\n" % pair for pair in every), b"\r\n", body))
        self.transport.write(answer)
        swift.note(status, perf_counter() - self._began)
        if self._last:
            self.transport.close()
        elif self._kept:
            data, self._kept = self._kept, b""
            self.flow.resume_reading()
            self._begin(data)

    def on_response_complete(self) -> None:
        self.heard = self.loop.time()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Finish what was taken and what has begun, then close."""
        if self._owed is not None or self._kept:
            self._last = True
        else:
            super().shutdown()

    def look(self, now: float) -> None:
        """Close a connection on which nothing came for too long."""
        if self._owed is None and not self._at_work():
            patience = HURRY if self._kept or self._inside else PATIENCE
            if now - self.heard > patience:
                self.transport.close()


_answers: dict[Swift, tuple[Any, bytes]] = {}


def _ok(headers: list[tuple[bytes, bytes]], swift: Swift) -> bytes:
    """The whole answer; the server makes its own headers anew each second."""
    known = _answers.get(swift)
    if known is not None and known[0] is headers:
        return known[1]
    answer = b"".join((STATUS_LINE[200], *(b"%b: %b\r\n" % pair for pair in headers), swift.answer))
    _answers[swift] = (headers, answer)
    return answer
