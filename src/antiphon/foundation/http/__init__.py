"""HTTP as every room speaks it: routes that name their permission, strict bodies, problem details, pages.

A room's `http.py` imports from here alone: the decorators `get`, `post`, `put`, `patch`, `delete` (`head` for a few, and `hot`
for a plain ASGI handler), `PUBLIC` and `SIGNED_IN`, `Body` as the base of request bodies, `Page` with `Limit` and `Cursor`.
Handlers take `ctx: Context` and `who: Principal` by name. The room owns no tables.
"""

from antiphon.foundation.http.body import Body, InvalidBody, MalformedBody
from antiphon.foundation.http.guard import authorise, provide_ctx, provide_who
from antiphon.foundation.http.page import Cursor, InvalidCursor, Limit, Page, decode_cursor, encode_cursor
from antiphon.foundation.http.problems import Breach, Problem, answer, describe, status_of
from antiphon.foundation.http.routes import PUBLIC, SIGNED_IN, Documented, delete, get, head, hot, patch, post, put
from antiphon.foundation.http.shell import PAGE_POLICY, Shell
from antiphon.foundation.principal import Principal

__all__ = [
    "PAGE_POLICY",
    "PUBLIC",
    "SIGNED_IN",
    "Body",
    "Breach",
    "Cursor",
    "Documented",
    "InvalidBody",
    "InvalidCursor",
    "Limit",
    "MalformedBody",
    "Page",
    "Principal",
    "Problem",
    "Shell",
    "answer",
    "authorise",
    "decode_cursor",
    "delete",
    "describe",
    "encode_cursor",
    "get",
    "head",
    "hot",
    "patch",
    "post",
    "provide_ctx",
    "provide_who",
    "put",
    "status_of",
]
