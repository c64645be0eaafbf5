"""A small client of the public HTTP API, signed in as a person would be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx2 as httpx

from antiphon.foundation.errors import AntiphonError, Unavailable

_PATIENCE = 60.0  # seconds for which a server that is busy or restarting is asked again


class ApiRefused(AntiphonError):
    """Antiphon refused {method} {path}: {why}"""


class ApiSilent(Unavailable):
    """Antiphon does not answer {method} {path}."""


class Api:
    """Calls as one signed-in person. Errors are ApiRefused with the server's own sentence."""

    def __init__(self, base: str) -> None:
        self._http = httpx.AsyncClient(base_url=base, timeout=60, trust_env=False)
        self._csrf = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sign_in(self, email: str, password: str) -> None:
        """Sign in with a password; later calls use the session."""
        me = await self.post("/v1/session", {"email": email, "password": password})
        self._csrf = me["csrf"]

    async def get(self, path: str, **query: Any) -> Any:
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._call("POST", path, json={} if body is None else body)

    async def put(self, path: str, body: Any) -> Any:
        return await self._call("PUT", path, json=body)

    async def act(self, path: str) -> Any:
        """A POST without a body."""
        return await self._call("POST", path)

    async def upload(self, path: str, **parts: Any) -> Any:
        """A POST of other content than JSON."""
        return await self._call("POST", path, **parts)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = await self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            for item in page["items"]:
                yield item
            cursor = page.get("next")
            if cursor is None:
                return

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._answered(method, path, more)
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            why = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            why = f"status {answer.status_code}"
        raise ApiRefused(method=method, path=path, why=why)

    async def _answered(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        """The first answer that is one: a busy server is asked again, and one that restarts."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            pause = 0.2
            try:
                answer = await self._http.request(method, path, headers={"x-csrf-token": self._csrf}, **more)
                if answer.status_code not in (429, 503):
                    return answer
                pause = max(pause, float(answer.headers.get("retry-after", "0")))
            except httpx.ConnectError:
                pass  # not sent: the server is restarting
            if asyncio.get_running_loop().time() > until:
                raise ApiSilent(method=method, path=path)
            await asyncio.sleep(pause)
