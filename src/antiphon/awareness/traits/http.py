"""Routes of traits: the registry, and what people say of a trait."""

from __future__ import annotations

from typing import Annotated

import msgspec

from antiphon.awareness.traits import service
from antiphon.awareness.traits.model import Trait, TraitType
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Page, get, patch
from antiphon.foundation.principal import Principal


class TraitChange(Body, frozen=True, kw_only=True):
    """What to change of a trait; what is left out stays. `personal` traits are shown to those only who may see people."""

    description: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    personal: bool | None = None
    type: TraitType | None = None


@get("/v1/traits", permission="traits:read")
async def list_traits(ctx: Context) -> Page[Trait]:
    """Every trait that customers have, by name."""
    async with ctx.db.connection() as conn:
        traits = list((await service.registry(conn)).values())
    return Page(items=traits, total=len(traits))


@patch("/v1/traits/{name:str}", permission="traits:write", problems=(409,))
async def change_trait(ctx: Context, who: Principal, name: str, data: TraitChange) -> Trait:
    """Describe a trait, say whether it is personal, or give it another type.

    A new type is filled in the background (`next_type`), and serves once every customer has it.
    """
    return await service.describe_trait(ctx, who, name, description=data.description, personal=data.personal, type=data.type)


ROUTES = (list_traits, change_trait)
