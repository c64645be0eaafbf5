"""Routes of computed traits: define, try, redefine, remove; and what a customer seems to like."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.awareness.traits.computed import service
from antiphon.awareness.traits.computed.model import Affinity, ComputedTrait, Measured
from antiphon.awareness.traits.computed.reading import InferredPreference, inferred
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Page, delete, get, post, put
from antiphon.foundation.principal import Principal

ComputedId = Annotated[int, Parameter(ge=1, le=2**53)]
ProfileId = Annotated[int, Parameter(ge=1, le=4294967295)]
Description = Annotated[str, msgspec.Meta(max_length=2000)]


class NewComputed(Body, frozen=True, kw_only=True):
    """A trait to be computed. An affinity also writes `<name>_share`, the strongest liking's part of the whole."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=194)]
    description: Description = ""
    definition: Measured | Affinity


class ChangedComputed(Body, frozen=True, kw_only=True):
    """Another definition, or another description."""

    description: Description = ""
    definition: Measured | Affinity


class TriedComputed(Body, frozen=True, kw_only=True):
    """A definition to be tried."""

    definition: Measured | Affinity


@get("/v1/computed-traits", permission="traits:read")
async def list_computed(ctx: Context) -> Page[ComputedTrait]:
    """Every computed trait with its definition, its state and how many customers have it."""
    items = await service.list_computed(ctx)
    return Page(items=items, total=len(items))


@post("/v1/computed-traits", permission="traits:write", problems=(409,))
async def define_computed(ctx: Context, who: Principal, data: NewComputed) -> ComputedTrait:
    """Define a trait that follows from events. It is filled from all of history, and from then on kept up to date.

    Calls and imports that set a trait of this name are not heeded from now on.
    """
    return await service.define(ctx, who, name=data.name, description=data.description, definition=data.definition)


@post("/v1/computed-traits/preview", permission="traits:write", status=200)
async def preview_computed(ctx: Context, who: Principal, data: TriedComputed) -> service.ComputedPreview:
    """What some customers would have by a definition; nothing is kept."""
    return await service.preview(ctx, who, data.definition)


@put("/v1/computed-traits/{computed_id:int}", permission="traits:write", problems=(409,))
async def redefine_computed(ctx: Context, who: Principal, computed_id: ComputedId, data: ChangedComputed) -> ComputedTrait:
    """Change a definition: the old values serve until everybody has the new ones."""
    return await service.redefine(ctx, who, computed_id, description=data.description, definition=data.definition)


@delete("/v1/computed-traits/{computed_id:int}", permission="traits:write", status=204)
async def remove_computed(ctx: Context, who: Principal, computed_id: ComputedId) -> None:
    """Stop computing a trait: everybody loses it, in the background, and its name is anybody's again."""
    await service.remove(ctx, who, computed_id)


@get("/v1/profiles/{profile_id:int}/inferred-preferences", permission="profiles:read")
async def inferred_preferences(ctx: Context, who: Principal, profile_id: ProfileId) -> list[InferredPreference]:
    """What a customer seems to like, by each affinity: values with their shares, the strongest first."""
    return await inferred(ctx, who, profile_id)


ROUTES = (list_computed, define_computed, preview_computed, redefine_computed, remove_computed, inferred_preferences)
