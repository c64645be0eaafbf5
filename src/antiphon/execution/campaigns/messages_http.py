"""Routes of the transactional API."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import HeaderParameter, Parameter

from antiphon.execution.campaigns.asked import Asked
from antiphon.execution.campaigns.desk import Desk, read_message
from antiphon.execution.campaigns.messages import MOST, Accepted, MessageBody, MessageInvalid, MessageShown
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http import Body, Problem, describe, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Key = Annotated[str | None, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=200)]


class BatchBody(Body, frozen=True, kw_only=True):
    """Some messages, each with an answer of its own."""

    messages: Annotated[list[MessageBody], msgspec.Meta(min_length=1, max_length=MOST)]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of them: `accepted`, or the `problem` with it."""

    accepted: Accepted | None = None
    problem: Problem | None = None


class BatchAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers, in the messages' order."""

    items: list[BatchAnswer]
    accepted: int
    refused: int


@post("/v1/messages", permission="messages:send", status=202, problems=(409,))
async def send_message(ctx: Context, who: Principal, data: MessageBody, idempotency_key: Key = None) -> Accepted:
    """Say something to one person: a confirmation, a code, a notice.

    It has been judged and is in the ledger when this answers; `state` says whether it waits to be said or was refused. With a
    key (`key`, or the header Idempotency-Key) a repeated call answers with the first one's row and says nothing twice; the same
    key with another message is a conflict. Keys are kept for 7 days, for each API key apart.
    """
    if idempotency_key is not None and data.key is not None and idempotency_key != data.key:
        raise MessageInvalid(field="key", why="the header Idempotency-Key names another key")
    return await ctx.get(Desk).hand_in(Asked(who.subject, data, data.key or idempotency_key))


@post("/v1/messages/batch", permission="messages:send", status=202)
async def send_messages(ctx: Context, who: Principal, data: BatchBody) -> BatchAnswers:
    """The same for up to 500 messages at once, each with its own key and its own answer: one that is refused or wrong leaves
    the others alone."""
    answers = await ctx.get(Desk).hand_in_all([Asked(who.subject, one, one.key) for one in data.messages])
    items = [
        BatchAnswer(problem=describe(one)[0]) if isinstance(one, AntiphonError) else BatchAnswer(accepted=one) for one in answers
    ]
    good = sum(item.accepted is not None for item in items)
    return BatchAnswers(items=items, accepted=good, refused=len(items) - good)


@get("/v1/messages/{message_id:int}", permission="messages:read", problems=(404,))
async def show_message(ctx: Context, message_id: Id) -> MessageShown:
    """How far a message is, hop by hop."""
    async with ctx.db.connection() as conn:
        return await read_message(conn, message_id)


ROUTES = [send_message, send_messages, show_message]
