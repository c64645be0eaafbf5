"""The built console: its files from memory, compressed once, and its first page for every address that is a page of it."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

import antiphon
from antiphon.foundation.errors import NotFound, Unavailable
from antiphon.foundation.http import PUBLIC, hot

CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https: http:; "
    "font-src 'self' data:; connect-src 'self'; frame-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
"""Scripts only from our own files. Images from anywhere, because a mail's preview shows the mail's images."""

_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_API = ("v1/", "healthz", "readyz", "metrics", "openapi.json")


class NoSuchPage(NotFound):
    """There is no such address."""


class ConsoleNotBuilt(Unavailable):
    """The console is not built; run `make console`. The API works without it."""


class File(msgspec.Struct, frozen=True):
    """One file of the console, ready to send."""

    body: bytes
    packed: bytes | None
    headers: list[tuple[bytes, bytes]]
    etag: bytes


def console_folder() -> Path:
    """Where the built console is: inside the package in a wheel, beside it in a clone."""
    inside = Path(antiphon.__file__).parent / "_console"
    return inside if inside.is_dir() else Path(antiphon.__file__).parents[2] / "console" / "dist"


@lru_cache(maxsize=512)
def _load(path: Path, changed: int, immutable: bool) -> File:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = kind.startswith(_TEXT)
    packed = gzip.compress(body, 6, mtime=0) if text and len(body) > 1000 else None
    etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
    headers = [
        (b"content-type", (f"{kind}; charset=utf-8" if text else kind).encode()),
        (b"cache-control", b"public, max-age=31536000, immutable" if immutable else b"no-cache"),
        (b"content-security-policy", CONSOLE_POLICY.encode()),
        (b"etag", etag),
        (b"vary", b"accept-encoding"),
    ]
    return File(body=body, packed=packed, headers=headers, etag=etag)


def find_file(folder: Path, path: str) -> File | None:
    """The file at this address; None if there is none. Never leaves the folder."""
    target = (folder / path).resolve() if path and "\0" not in path else folder / "index.html"
    try:
        if not target.is_relative_to(folder.resolve()) or not target.is_file():
            return None
        return _load(target, target.stat().st_mtime_ns, path.startswith("assets/"))
    except OSError:
        return None


def page_for(path: str) -> File:
    """What to answer at this address. Raises NoSuchPage, ConsoleNotBuilt."""
    path = path.lstrip("/")
    folder = console_folder()
    if not (folder / "index.html").is_file() and not path.startswith(_API):
        raise ConsoleNotBuilt
    found = find_file(folder, path)
    if found is None and not path.startswith((*_API, "assets/")) and "." not in path.rpartition("/")[2]:
        found = find_file(folder, "")
    if found is None:
        raise NoSuchPage
    return found


@hot("/", paths=("/{path:path}",), permission=PUBLIC)
async def console(scope: Scope, receive: Receive, send: Send) -> None:
    """Files and pages of the console."""
    method: str = scope["method"]  # type: ignore[typeddict-item]
    if method not in ("GET", "HEAD"):
        raise NoSuchPage
    params: dict[str, Any] = scope["path_params"]
    file = page_for(str(params.get("path", "")))
    asked = {name: value for name, value in scope["headers"] if name in (b"if-none-match", b"accept-encoding")}
    headers = list(file.headers)
    if asked.get(b"if-none-match") == file.etag:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    body = file.body
    if file.packed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
        body = file.packed
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body, "more_body": False})
