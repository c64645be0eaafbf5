"""A bare ASGI application that reads a body and says yes: what the server alone can do."""

from __future__ import annotations

import sys
from typing import Any

_BODY = b'{"success":true}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body, answer the same sixteen bytes."""
    if scope["type"] != "http":
        return
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "bench.echo:app", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI, workers=1, backlog=2048,
        log_level=LogLevels.warning,
    ).serve()  # fmt: skip
