"""Routes of an account's DKIM keys."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter

from antiphon.execution.channels.email import keys
from antiphon.execution.channels.email.dkim import Algorithm
from antiphon.execution.channels.email.keys import DkimFound, DkimItem, SelectorName
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Principal, get, post

PathId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class NewDkimKey(Body, frozen=True, kw_only=True):
    """A key to be made: RSA (2,048 bits, which everybody verifies) or Ed25519 (shorter; best as the second)."""

    selector: SelectorName
    algorithm: Algorithm = "rsa"
    second: bool = False


@get("/v1/channels/{account_id:int}/dkim", permission="channels:read", problems=(409,))
async def list_dkim_keys(ctx: Context, account_id: PathId) -> list[DkimItem]:
    """The keys an SMTP account signs with, or is about to, and the DNS record of each."""
    return await keys.list_keys(ctx, account_id)


@post("/v1/channels/{account_id:int}/dkim", permission="channels:write", problems=(409,))
async def make_dkim_key(ctx: Context, who: Principal, account_id: PathId, data: NewDkimKey) -> DkimItem:
    """Make a key. Publish its record, check it, then switch signing on in the account's settings."""
    return await keys.make_key(
        ctx, who, account_id, algorithm=data.algorithm, selector=data.selector.lower(), second=data.second
    )


@post("/v1/channels/{account_id:int}/dkim/check", permission="channels:read", status=200, problems=(409,))
async def check_dkim_keys(ctx: Context, account_id: PathId) -> list[DkimFound]:
    """Ask DNS, now, whether the records are published. This is the only time that DNS is asked for them."""
    return await keys.find_records(ctx, account_id)


ROUTES = [list_dkim_keys, make_dkim_key, check_dkim_keys]
