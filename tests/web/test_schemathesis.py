"""Requests made from the OpenAPI document: what the server answers is what the document says, and nothing breaks it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from psycopg.conninfo import make_conninfo
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from antiphon.foundation.access import SYSTEM, issue_key, store
from antiphon.foundation.access.model import hash_token
from antiphon.foundation.access.passwords import use_cheap_hashing
from antiphon.foundation.access.signin import csrf_token
from antiphon.foundation.config import Settings
from antiphon.foundation.ids import random_token
from antiphon.foundation.lake import start_lake
from antiphon.web.asgi import create_app

DOCUMENT = json.loads((Path(__file__).parents[2] / "console" / "openapi.json").read_text())
NOT_TRIED = {"DELETE /v1/session", "GET /v1/live"}  # signs the test out; never ends
EXAMPLES = int(os.environ.get("ANTIPHON_SCHEMATHESIS_EXAMPLES", "3"))
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
NEGATIVE = GenerationMode.NEGATIVE
_clones = itertools.count()

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


class Server:
    """The application in a thread with a loop of its own, asked from the test's thread."""

    def __init__(self, settings: Settings, database_url: str, lake_socket: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._failed: BaseException | None = None
        self.headers: dict[str, str] = {}
        self.write_key = ""
        self._run = (settings, database_url, lake_socket)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._started.wait(60)
        if self._failed is not None:
            raise self._failed

    def _serve(self) -> None:
        try:
            self.loop.run_until_complete(self._live())
        except BaseException as failed:
            self._failed = failed
        finally:
            self._started.set()

    async def _live(self) -> None:
        settings, database_url, lake_socket = self._run
        shell = create_app(settings, database_url=database_url, lake_socket=lake_socket)
        transport = httpx.ASGITransport(shell)  # type: ignore[arg-type]
        async with shell.app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://testserver") as self.http:
            ctx = shell.app.state.ctx
            token = random_token(32)
            async with ctx.db.transaction() as conn:
                person = await store.add_person(conn, "owner@example.com", "Owner", "owner", None)
                await store.open_session(conn, hash_token(token), person, timedelta(days=1), "", "")
                key = await issue_key(conn, SYSTEM, name="site", kind="write", source_id=1)
            self.headers = {
                "cookie": f"antiphon_session={token}", "x-csrf-token": csrf_token(ctx, hash_token(token)),
            }  # fmt: skip
            self.write_key = b64encode(f"{key.token}:".encode()).decode()
            self._started.set()
            await self._stop.wait()

    def ask(self, request: dict[str, Any], write: bool, *, negative: bool = False) -> httpx.Response:
        headers = {"authorization": f"Basic {self.write_key}"} if write else self.headers
        given_headers = {k: v for k, v in dict(request.get("headers") or {}).items() if k.lower() != "user-agent"}
        if write and negative and "authorization" not in {name.lower() for name in given_headers}:
            headers = {}  # that it is missing is what is wrong with this request
        asking = self.http.request(
            request["method"], request["url"], params=request.get("params"), headers={**given_headers, **headers},
            content=request.get("data"), json=request.get("json"),
        )  # fmt: skip
        return asyncio.run_coroutine_threadsafe(asking, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)


@pytest.fixture(scope="module")
def server(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    use_cheap_hashing()
    name = f"antiphon_fuzz_{os.getpid()}_{next(_clones)}"
    folder = tmp_path_factory.mktemp("fuzz")
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'create database "{name}" template "{template}" strategy file_copy')
    url = make_conninfo(postgres_url, dbname=name)
    lake = start_lake(url, folder)
    settings = Settings(data_dir=str(folder), secret="a secret of tests only, 32 bytes long", port=0)
    running = Server(settings, url, str(lake.socket))
    yield running
    running.close()
    lake.close()
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'drop database "{name}" with (force)')


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, NEGATIVE])
@pytest.mark.parametrize("label", sorted(set(OPERATIONS) - NOT_TRIED))
def test_the_server_is_as_documented(server: Server, label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    write = {"write_key": []} in DOCUMENT["paths"][operation.path][operation.method].get("security", [])

    @hypothesis_settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        request = case.as_transport_kwargs(base_url="http://testserver")
        answer = server.ask(request, write, negative=mode is NEGATIVE)
        case.validate_response(answer, checks=[*CHECKS, *((negative_data_rejection,) if mode is NEGATIVE else ())])

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
        check()
