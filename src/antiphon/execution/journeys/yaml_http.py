"""Routes of journeys as YAML: for people, and for git."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.journeys import service
from antiphon.execution.journeys.as_yaml import MOST_CHARACTERS, from_yaml, to_yaml
from antiphon.execution.journeys.shown import Journey
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, get, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class YamlBody(Body, frozen=True, kw_only=True):
    """A journey as YAML, and the revision of the draft it was made from. A name and a description in it are taken as well."""

    yaml: Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS)]
    revision: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class JourneyYaml(msgspec.Struct, frozen=True, kw_only=True):
    """A journey as YAML; ``revision`` is the draft's."""

    yaml: str
    revision: int


@get("/v1/journeys/{journey_id:int}/yaml", permission="journeys:read")
async def read_yaml(
    ctx: Context,
    journey_id: Id,
    number: Annotated[int | None, QueryParameter(name="version", ge=1, le=2**31 - 1, description="Without it the draft")] = None,
) -> JourneyYaml:
    """The draft, or a version, as YAML."""
    async with ctx.db.connection() as conn:
        one = await service.find(conn, journey_id)
        definition = one.draft if number is None else (await service.version(conn, journey_id, number)).definition
    return JourneyYaml(yaml=to_yaml(definition, name=one.name, description=one.description), revision=one.draft_revision)


@put("/v1/journeys/{journey_id:int}/yaml", permission="journeys:write", problems=(409,))
async def save_yaml(ctx: Context, who: Principal, journey_id: Id, data: YamlBody) -> Journey:
    """Save a draft that is written as YAML."""
    written = await asyncio.to_thread(from_yaml, data.yaml)  # a megabyte of it takes seconds
    async with ctx.db.transaction() as conn:
        saved = await service.save_draft(ctx, conn, who, journey_id, draft=written.definition, revision=data.revision)
        if (written.name, written.description) == (None, None):
            return saved
        return await service.rename(ctx, conn, who, journey_id, name=written.name, description=written.description)


ROUTES = [read_yaml, save_yaml]
