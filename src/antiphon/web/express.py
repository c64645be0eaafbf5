"""The quick way to some answers: a key is checked and the answer made without the framework, or the request declined."""

from __future__ import annotations

import re
from typing import Any

from antiphon.foundation.access import Access
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http.routes import Quick


class KeyExpress:
    """Answers one GET route for those who send an API key with its permission. Declines whenever anything is unusual.

    `path` has at most one variable part; `state` is the application's, which has the context once it runs.
    """

    def __init__(self, path: str, permission: str, quick: Quick, state: Any) -> None:
        self.template = re.sub(r":\w+}", "}", path)
        self._start, brace, rest = path.partition("{")
        self._end = rest.partition("}")[2]
        self._varies = bool(brace)
        self._permission = permission
        self._quick = quick
        self._state = state

    def leads(self, path: str) -> bool:
        """Whether the route is this path's."""
        if not self._varies:
            return path == self._start
        long_enough = len(path) > len(self._start) + len(self._end)
        return long_enough and path.startswith(self._start) and path.endswith(self._end)

    async def body(self, scope: Any) -> bytes | None:
        """The answer's JSON, or None."""
        token = None
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                token = value[7:].strip()
        if not token:
            return None
        ctx: Context = self._state.ctx
        try:
            who = await ctx.get(Access).key(ctx, token.decode("ascii"))
            if who is None or not who.may(self._permission):
                return None
            argument = scope["path"][len(self._start) : len(scope["path"]) - len(self._end)] if self._varies else ""
            return await self._quick(ctx, argument, scope["query_string"])
        except (AntiphonError, ValueError):
            return None
