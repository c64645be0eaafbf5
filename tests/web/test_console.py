"""The built console is served whole and safely."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.web import console
from antiphon.web.room import ROOM as WEB


@pytest.fixture
def rooms() -> Any:
    return (ACCESS, WEB)


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Antiphon</title>" + " " * 2000)
    (folder / "assets" / "app-abc.js").write_text("console.log(1)")
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("hunter2")
    monkeypatch.setattr(console, "console_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("path", ["/", "/customers", "/customers/17", "/sign-in", "/settings/keys"])
async def test_every_page_is_the_first_page(dist: Path, stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)
    assert answer.status_code == 200
    assert "<title>Antiphon</title>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"


async def test_built_files_are_kept_for_ever_and_packed(dist: Path, stranger: httpx.AsyncClient) -> None:
    asset = await stranger.get("/assets/app-abc.js")
    assert asset.text == "console.log(1)"
    assert "immutable" in asset.headers["cache-control"]
    page = await stranger.get("/", headers={"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    plain = await stranger.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(gzip.compress(plain.content)) == page.content


async def test_what_has_not_changed_is_not_sent_again(dist: Path, stranger: httpx.AsyncClient) -> None:
    etag = (await stranger.get("/icon.svg")).headers["etag"]
    again = await stranger.get("/icon.svg", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    head = await stranger.head("/icon.svg")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "6")


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/assets/gone.js", "/none.ico", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%00", "//etc/passwd"],
)
async def test_what_is_not_there_is_a_problem_and_no_page(dist: Path, stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)
    assert "hunter2" not in answer.text
    if path != "//etc/passwd":
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_change_at_a_page_s_address_is_refused(dist: Path, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post("/customers", json={})).status_code == 405


async def test_an_unbuilt_console_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stranger: httpx.AsyncClient) -> None:
    monkeypatch.setattr(console, "console_folder", lambda: tmp_path / "nowhere")
    answer = await stranger.get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "console-not-built")
