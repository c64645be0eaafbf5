"""Kinds of identity as people declare them: what there are, their numbers, and kinds of one's own."""

from __future__ import annotations

from typing import Annotated

import msgspec

from antiphon.awareness.profiles import store
from antiphon.awareness.profiles.errors import BuiltInKind, NotAnIdentity, TooManyKinds
from antiphon.awareness.profiles.identities import normal_kind
from antiphon.awareness.profiles.kinds import BUILT_IN, KINDS, MOST_OWN, Form, Kind
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, get, put
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal


class KindGiven(Body, frozen=True, kw_only=True):
    """A kind of identity. Of one that is built in only the three numbers can be changed."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    form: Form = "exact"
    household: bool = False
    proposes: bool = True
    most: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    people: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    quiet_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0


class Kinds(msgspec.Struct, frozen=True, kw_only=True):
    """Every kind there is, the surest first."""

    items: list[Kind]


@get("/v1/identity-kinds", permission="profiles:read")
async def list_kinds(ctx: Context) -> Kinds:
    """The kinds of identity: how each is spelled, how many a customer may have, when one is shared or somebody else's."""
    async with ctx.db.connection() as conn:
        await KINDS.refresh(conn, now=True)
    return Kinds(items=KINDS.all())


@put("/v1/identity-kinds/{name:str}", permission="profiles:kinds", problems=(409,))
async def declare_kind(
    ctx: Context, who: Principal, name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)], data: KindGiven
) -> Kind:
    """Declare a kind of one's own, or change the numbers of one. Identities already taken keep the form they have."""
    async with ctx.db.transaction() as conn:
        await declare(conn, who, name, data)
        await KINDS.refresh(conn, now=True)
    return KINDS.of(name)


async def declare(conn: Connection, who: Principal, name: str, data: KindGiven) -> None:
    """Write a kind. Raises NotAnIdentity, BuiltInKind, TooManyKinds."""
    if normal_kind(name) != name:
        raise NotAnIdentity("a kind is small letters, digits and _, and begins with a letter", field="name")
    await KINDS.refresh(conn, now=True)
    before = KINDS.of(name)
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        for field in ("form", "household", "proposes"):
            if getattr(data, field) != getattr(built_in, field):
                raise BuiltInKind(field=field)
    elif sum(kind.own for kind in KINDS.all()) >= MOST_OWN and all(kind.name != name for kind in KINDS.all()):
        raise TooManyKinds
    given = msgspec.structs.asdict(data) | ({"title": built_in.title} if built_in is not None else {})
    await store.run(conn, "declare_kind", name=name, **given)
    await audit(conn, who, action="profiles.declare_kind", subject=f"identity_kind:{name}", before=before, after=data)


KIND_ROUTES = (list_kinds, declare_kind)
