"""Routes of traits: the registry, what people say of a trait, and what was refused or said before."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.awareness.profiles import Refusal
from antiphon.awareness.traits import service
from antiphon.awareness.traits.computed.http import ROUTES as COMPUTED_ROUTES
from antiphon.awareness.traits.history import TraitHistory, trait_history
from antiphon.awareness.traits.model import LONGEST_NAME, Trait, TraitType
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Page, get, patch
from antiphon.foundation.principal import Principal

ProfileId = Annotated[int, Parameter(ge=1, le=4294967295)]
Name = Annotated[str, QueryParameter(name="name", min_length=1, max_length=LONGEST_NAME)]
Allowed = Annotated[list[Annotated[str, msgspec.Meta(max_length=500)]], msgspec.Meta(max_length=500)]


class TraitChange(Body, frozen=True, kw_only=True):
    """What to change of a trait; what is left out stays.

    `personal`: shown to those only who may see what is personal (`profiles:personal`). `locked`: values of another type
    are refused from now on, and the profile keeps what it has. `allowed`: the only values there may be; an empty list
    allows everything. `archived`: builders offer it no more.
    """

    description: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    personal: bool | None = None
    type: TraitType | None = None
    locked: bool | None = None
    allowed: Allowed | None = None
    unit: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    archived: bool | None = None


@get("/v1/traits", permission="traits:read")
async def list_traits(ctx: Context) -> Page[Trait]:
    """Every trait that customers have, by name. At most 1,000 are in the registry; others stay in the profiles only."""
    async with ctx.db.connection() as conn:
        traits = list((await service.registry(conn)).values())
    return Page(items=traits, total=len(traits))


@patch("/v1/traits/{name:str}", permission="traits:write", problems=(409,))
async def change_trait(ctx: Context, who: Principal, name: str, data: TraitChange) -> Trait:
    """Describe a trait, say whether it is personal, lock it, or give it another type.

    A new type is filled in the background (`next_type`), and serves once every customer has it.
    """
    return await service.describe_trait(ctx, who, name, **msgspec.structs.asdict(data))


@get("/v1/trait-refusals", permission="traits:read")
async def list_refusals(ctx: Context, who: Principal, name: Name) -> list[Refusal]:
    """Values of a trait that were refused, latest first: at most one a minute is noted, for a month."""
    return await service.refused(ctx, who, name)


@get("/v1/profiles/{profile_id:int}/trait-history", permission="profiles:read")
async def show_trait_history(ctx: Context, who: Principal, profile_id: ProfileId, name: Name) -> TraitHistory:
    """What was said of one trait of a customer, latest first: now, and by every identify call that is in their history."""
    return await trait_history(ctx, who, profile_id, name)


ROUTES = (list_traits, change_trait, list_refusals, show_trait_history, *COMPUTED_ROUTES)
