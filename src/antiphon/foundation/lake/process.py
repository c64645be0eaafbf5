"""The lake process: `python -m antiphon.foundation.lake.process`, started by `start_lake`.

Apart from the api and the workers, because turning large results into Python objects holds the interpreter. One thread
and one cursor a connection; a watcher stops statements that run too long or whose client has gone, and ends the process
when its parent is gone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import msgspec

from antiphon.foundation.lake.engine import EngineSettings, answer, open_engine, roll_back, transaction, translated
from antiphon.foundation.lake.protocol import HEADER, REQUESTS, Reply, Request, framed
from antiphon.foundation.turns import LONG, ask_turns

_WATCH = 0.05  # seconds between two looks of the watcher
_NICE = 10


class Session:
    """One client's connection: its socket, its cursor, and the deadline of what runs now."""

    def __init__(self, sock: socket.socket, cursor: duckdb.DuckDBPyConnection) -> None:
        self.sock = sock
        self.cursor = cursor
        self.deadline: float | None = None
        self.lock = threading.Lock()
        self.in_transaction = False

    def serve(self) -> None:
        """Answer requests until the client closes."""
        try:
            while (body := self._read()) is not None:
                for part in framed(self._answer(REQUESTS.decode(body))):
                    self.sock.sendall(part)
        except (OSError, msgspec.DecodeError):
            pass  # the client went away, or does not speak our protocol: either way it is gone
        finally:
            roll_back(self.cursor)
            self.cursor.close()
            self.sock.close()

    def _read(self) -> bytearray | None:
        head = self._exactly(HEADER.size)
        return None if head is None else self._exactly(HEADER.unpack(head)[0])

    def _exactly(self, size: int) -> bytearray | None:
        buffer = bytearray(size)
        view, got = memoryview(buffer), 0
        while got < size:
            count = self.sock.recv_into(view[got:])
            if count == 0:
                return None
            got += count
        return buffer

    def _answer(self, request: Request) -> Reply:
        with self.lock:
            self.deadline = time.monotonic() + request.timeout
        try:
            return Reply(results=self._perform(request))
        except Exception as failed:
            if self.in_transaction:
                self.in_transaction = False
                roll_back(self.cursor)
            error = translated(failed, request.timeout)
            return Reply(error=type(error).__name__, message=str(error))
        finally:
            with self.lock:
                self.deadline = None

    def _perform(self, request: Request) -> list[object]:
        if request.op == "begin":
            self.cursor.execute("begin")
            self.in_transaction = True
        elif request.op in ("commit", "rollback"):
            self.in_transaction = False
            self.cursor.execute(request.op)
        if self.in_transaction or request.op != "run":
            return answer(self.cursor, request)
        with transaction(self.cursor):
            return answer(self.cursor, request)

    def watch(self, now: float) -> None:
        """Stop what runs when its time is over or its client has closed."""
        with self.lock:
            if self.deadline is not None and (now > self.deadline or self._gone()):
                self.cursor.interrupt()

    def _gone(self) -> bool:
        try:
            ready, _, _ = select.select([self.sock], [], [], 0)
            return bool(ready) and self.sock.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


class LakeServer:
    """Accepts connections on a unix socket in a private folder."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, path: Path, parent: int) -> None:
        self.engine = engine
        self.path = path
        self.parent = parent
        self.sessions: dict[int, Session] = {}
        self.listener = socket.socket(socket.AF_UNIX)

    def run(self) -> None:
        """Serve until told to stop or the parent is gone."""
        waiting = self.path.with_suffix(".starting")
        waiting.unlink(missing_ok=True)
        self.listener.bind(str(waiting))
        self.listener.listen(128)
        os.replace(waiting, self.path)  # appears only when it answers, and takes the place of a dead one
        threading.Thread(target=self._watch, daemon=True).start()
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self._session, args=(sock,), daemon=True).start()

    def _session(self, sock: socket.socket) -> None:
        session = Session(sock, self.engine.cursor())
        self.sessions[id(session)] = session
        try:
            session.serve()
        finally:
            del self.sessions[id(session)]

    def _watch(self) -> None:
        while True:
            time.sleep(_WATCH)
            if self.parent and os.getppid() != self.parent:
                self.path.unlink(missing_ok=True)
                with suppress(OSError):  # nobody else is left to remove the folder made for the socket
                    self.path.parent.rmdir()
                self.stop()
            now = time.monotonic()
            for session in list(self.sessions.values()):
                session.watch(now)

    def stop(self) -> None:
        """End at once. An open lake transaction is simply not committed."""
        self.path.unlink(missing_ok=True)
        os._exit(0)


def main() -> None:
    """Read the settings from standard input (they hold the database's password), open the engine and serve."""
    socket_path, parent = Path(sys.argv[1]), int(sys.argv[2])
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=EngineSettings)
    os.nice(_NICE)
    ask_turns(LONG)
    try:
        server = LakeServer(open_engine(settings), socket_path, parent)
    except Exception as failed:
        print(translated(failed, 0), file=sys.stderr, flush=True)
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    server.run()


if __name__ == "__main__":
    main()
