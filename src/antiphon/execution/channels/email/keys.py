"""DKIM keys of an account: made here, published by its domain's owner, looked for in DNS when somebody asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import dns.asyncresolver
import dns.exception
import dns.resolver
import msgspec

from antiphon.execution.channels import service
from antiphon.execution.channels.email.dkim import Algorithm, algorithm_of, generate_key, record_of, same_record
from antiphon.execution.channels.email.settings import EmailSettings
from antiphon.execution.channels.errors import DkimKeyInUse, DkimUnsupported
from antiphon.execution.channels.model import Account
from antiphon.execution.channels.registry import Channels
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

LOOKUP = 5.0  # seconds for a DNS answer
Published = Literal["yes", "no", "differs", "unknown"]
SelectorName = Annotated[str, msgspec.Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]


class DkimItem(msgspec.Struct, frozen=True, kw_only=True):
    """A key of an account and the TXT record to publish for it. ``second`` names its place of the two."""

    second: bool
    domain: str
    selector: str
    algorithm: Algorithm
    record_name: str
    record_value: str


class DkimFound(msgspec.Struct, frozen=True, kw_only=True):
    """What DNS has under a key's name: ``yes`` (this key), ``differs`` (another), ``no``, or ``unknown`` (no answer)."""

    second: bool
    record_name: str
    published: Published
    found: list[str]
    detail: str = ""


async def list_keys(ctx: Context, account_id: int) -> list[DkimItem]:
    """The account's keys, by their public halves. Raises `AccountUnknown`, `DkimUnsupported`."""
    return _items(_settings(await _account(ctx, account_id)))


async def make_key(
    ctx: Context, who: Principal, account_id: int, *, algorithm: Algorithm, selector: str, second: bool
) -> DkimItem:
    """Make a key and keep it sealed in the account; nothing is signed by it until the account says so.

    Raises `AccountUnknown`, `DkimUnsupported`, and `DkimKeyInUse` where a key that signs would be lost.
    """
    account = await _account(ctx, account_id)
    settings = _settings(account)
    place = "_2" if second else ""
    if settings.dkim and getattr(settings, f"dkim_key{place}"):
        raise DkimKeyInUse(field="second")
    secrets = ctx.get(Channels)[account.provider].manifest.secrets
    plain: dict[str, Any] = {k: v for k, v in msgspec.to_builtins(settings).items() if k not in secrets}
    plain |= {f"dkim_selector{place}": selector, f"dkim_key{place}": generate_key(algorithm)}
    await service.change_account(ctx, who, account_id, name=account.name, settings=plain, enabled=account.enabled)
    return next(item for item in await list_keys(ctx, account_id) if item.second == second)


async def find_records(ctx: Context, account_id: int) -> list[DkimFound]:
    """Look each key's record up in DNS, now. Raises as `list_keys`."""
    return [await _look_up(item) for item in await list_keys(ctx, account_id)]


async def _look_up(item: DkimItem) -> DkimFound:
    found: list[str] = []
    published: Published = "no"
    detail = ""
    try:
        answer = await dns.asyncresolver.Resolver().resolve(item.record_name, "TXT", lifetime=LOOKUP)
        found = [b"".join(record.strings).decode("utf-8", "replace")[:2000] for record in answer]
        published = "yes" if any(same_record(text, item.record_value) for text in found) else "differs"
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        detail = "there is no such record"
    except (dns.exception.DNSException, OSError) as failed:
        published, detail = "unknown", str(failed)[:300] or type(failed).__name__
    return DkimFound(second=item.second, record_name=item.record_name, published=published, found=found, detail=detail)


def _items(settings: EmailSettings) -> list[DkimItem]:
    items = []
    for key in settings.dkim_keys:
        record = record_of(key)
        items.append(
            DkimItem(
                second=key.pem == settings.dkim_key_2,
                domain=key.domain,
                selector=key.selector,
                algorithm=algorithm_of(key.pem),
                record_name=record.name,
                record_value=record.value,
            )
        )
    return items


def _settings(account: Account) -> EmailSettings:
    if not isinstance(account.settings, EmailSettings):
        raise DkimUnsupported(provider=account.provider)
    return account.settings


async def _account(ctx: Context, account_id: int) -> Account:
    async with ctx.db.connection() as conn:
        return await ctx.get(Channels).account(conn, account_id)
