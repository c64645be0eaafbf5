"""The built console: its files from memory, compressed once, and its first page for every address that is a page of it."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

import antiphon
from antiphon.foundation.errors import NotFound, Unavailable
from antiphon.foundation.http import PUBLIC

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
    kind: str
    headers: dict[str, str]


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
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if immutable else "no-cache",
        "content-security-policy": CONSOLE_POLICY,
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "vary": "accept-encoding",
    }
    return File(body=body, packed=packed, kind=kind, headers=headers)


def find_file(folder: Path, path: str) -> File | None:
    """The file at this address; None if there is none. Never leaves the folder."""
    if "\0" in path:
        return None
    try:
        target = (folder / (path or "index.html")).resolve()
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
    if found is None and not path.startswith((*_API, "assets/")) and "." not in path and path.isprintable():
        found = find_file(folder, "")
    if found is None:
        raise NoSuchPage
    return found


@HTTPRouteHandler(
    ["/", "/{path:path}"],
    http_method=["GET", "HEAD"],
    opt={"permission": PUBLIC, "quiet": True},
    include_in_schema=False,
)
async def console(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Files and pages of the console."""
    file = page_for(str(request.path_params.get("path", "")))
    if request.headers.get("if-none-match") == file.headers["etag"]:
        return Response(b"", status_code=304, headers=file.headers)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, headers={**file.headers, "content-encoding": "gzip"}, media_type=file.kind)
    return Response(file.body, headers=file.headers, media_type=file.kind)
