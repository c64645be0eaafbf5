"""Requests at a fixed rate whatever the server does: each is timed from the instant it was due, so lateness counts."""

from __future__ import annotations

import multiprocessing
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from antiphon.foundation.turns import SHORT, ask_turns

CONNECTIONS = 32


class _Line:
    """One connection kept open, and the request that is on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.data = b""

    def send(self, request: bytes, due: float) -> None:
        self.due, self.data = due, b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The answer's status once it is whole."""
        got = self.socket.recv(1 << 18)
        if not got:
            raise ConnectionError("the server hung up")
        self.data += got
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return None
        at = head.lower().index(b"content-length:") + 15
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return None
        return int(head[9:12])


def _ask(port: int, requests: Sequence[bytes], rate: float, answer: Any) -> None:
    ask_turns(SHORT)  # a client that is late itself would measure that
    lines = [_Line(port) for _ in range(CONNECTIONS)]
    idle, busy = deque(lines), {}
    taken: list[float] = []
    failed = sent = 0
    began = time.perf_counter() + 0.1
    while sent < len(requests) or busy:
        while sent < len(requests) and idle and began + sent / rate <= time.perf_counter():
            line = idle.popleft()
            line.send(requests[sent], began + sent / rate)
            busy[line.socket] = line
            sent += 1
        wait = began + sent / rate - time.perf_counter() if sent < len(requests) and idle else 1.0
        for ready in select.select(list(busy), [], [], max(0.0, wait))[0]:
            line = busy[ready]
            if (status := line.receive()) is not None:
                taken.append(time.perf_counter() - line.due)
                failed += status != 200
                del busy[ready]
                idle.append(line)
    answer.send((taken, failed))


def ask(port: int, requests: Sequence[bytes], rate: float) -> tuple[list[float], int]:
    """Seconds that each of `requests` (whole, as bytes) took, sent at `rate` a second by a process of its own; failures."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_ask, args=(port, requests, rate, there))
    process.start()
    there.close()
    try:
        taken, failed = here.recv()
    finally:
        process.join()
    return taken, failed
