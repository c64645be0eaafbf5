"""The verbs on profiles: find, show, merge by an analyst's word, undo, export, erase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from antiphon.awareness.profiles import store
from antiphon.awareness.profiles.errors import NoSuchProfile, NoSuchProposal
from antiphon.awareness.profiles.identities import EMAIL, PHONE, USER_ID, Identity, normal_phone
from antiphon.awareness.profiles.model import (
    ComparedPeople,
    FormerIdentity,
    GroupShown,
    IdentityShown,
    MergedShown,
    ProfileShown,
    ProfileSummary,
    ProposalShown,
    TraitShown,
    display_name,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import enqueue
from antiphon.foundation.personal import PERSONAL
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TRAITS_SHOWN = 1000
_ASKED = ("id", "kind", "value", "question", "state", "created_at", "decided_at", "decided_by")


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def find_profiles(
    conn: Connection, words: str, limit: int, secret: frozenset[str] = frozenset()
) -> list[ProfileSummary]:
    """Customers by id, e-mail, phone or user id (beginnings), then by the words of names and traits; best first. Nobody is
    found by a trait that is ``secret`` to the asker."""
    words = words.replace("\0", "").strip()[:200]
    found: dict[int, None] = {}
    if words.isdecimal() and len(words) < 19:
        canonical = await store.canonical(conn, int(words))
        if canonical is not None:
            found[canonical] = None
    for kinds, low in _beginnings(words):
        params = {"kinds": kinds, "low": low, "high": low + "\U0010ffff", "limit": limit}
        found.update(dict.fromkeys(row["profile_id"] for row in await store.rows(conn, "find_by_identity", **params)))
    if len(words) >= 2 and len(found) < limit:
        asked = {"pattern": f"%{_like(words)}%", "secret": sorted(secret), "limit": limit}
        rows = await store.rows(conn, "find_by_words", prefix=f"{_like(words)}%", **asked)
        found.update(dict.fromkeys(row["profile_id"] for row in rows))
        if len(found) < limit:
            rows = await store.rows(conn, "unindexed_by_words", **asked)
            found.update(dict.fromkeys(row["id"] for row in rows))
    return await summaries(conn, list(found)[:limit])


def _beginnings(words: str) -> list[tuple[list[str], str]]:
    if not words:
        return []
    result = [([USER_ID, "anonymous_id"], words), ([EMAIL], words.lower())]
    digits = "".join(c for c in words if c.isdecimal())
    if len(digits) >= 4:
        result.append(([PHONE], normal_phone(words) or "+" + digits))
    return result


async def list_profiles(conn: Connection, before: int | None, limit: int) -> list[ProfileSummary]:
    """The newest customers."""
    rows = await store.rows(conn, "recent_profiles", before=before or 2**62, limit=limit)
    return await summaries(conn, [row["id"] for row in rows])


async def count_profiles(conn: Connection) -> int:
    """About how many customers there are."""
    rows = await store.rows(conn, "estimate_profiles")
    return int(next(iter(rows[0].values())) or 0)


async def summaries(conn: Connection, ids: list[int]) -> list[ProfileSummary]:
    """These customers as lists show them, in this order; those that are gone are absent."""
    rows = {row["id"]: row for row in await store.rows(conn, "summaries", ids=ids)}
    return [_summary(rows[one]) for one in ids if one in rows]


def _summary(row: Mapping[str, Any]) -> ProfileSummary:
    email, phone, user_id = row["email"], row["phone"], row["user_id"]
    return ProfileSummary(
        id=row["id"],
        name=display_name(row["traits"], email or phone or user_id or f"#{row['id']}"),
        email=email, phone=phone, user_id=user_id, known=bool(email or phone or user_id),
        first_seen=row["first_seen"], last_seen=row["last_seen"],
    )  # fmt: skip


async def canonical_or_fail(conn: Connection, profile_id: int) -> int:
    """The profile an id stands for now. Raises NoSuchProfile."""
    found = await store.canonical(conn, profile_id)
    if found is None:
        raise NoSuchProfile
    return found


async def show_profile(conn: Connection, profile_id: int) -> ProfileShown:
    """A customer's page. Raises NoSuchProfile."""
    canonical = await canonical_or_fail(conn, profile_id)
    rows = await store.rows(conn, "read_profile", id=canonical)
    if not rows:
        raise NoSuchProfile
    row = rows[0]
    identities = [_identity(one) for one in await store.rows(conn, "read_identities", id=canonical)]
    former = [FormerIdentity(**one) for one in await store.rows(conn, "read_former", id=canonical)]
    kinds = {one.kind: one.value for one in reversed(identities)}
    merged = [MergedShown(**one) for one in await store.rows(conn, "read_merged", id=canonical)]
    ids = [canonical, *(one.profile_id for one in merged)]
    waiting = await store.rows(conn, "count_open_proposals", ids=ids)
    fallback = kinds.get(EMAIL) or kinds.get(PHONE) or kinds.get(USER_ID) or f"#{canonical}"
    return ProfileShown(
        id=canonical,
        requested_id=profile_id,
        name=display_name(row["traits"], fallback),
        known=not kinds.keys().isdisjoint({EMAIL, PHONE, USER_ID}),
        traits=row["traits"],
        trait_history=_history(row),
        identities=identities,
        former_identities=former,
        groups=[GroupShown(**one) for one in await store.rows(conn, "read_groups", id=canonical)],
        merged=merged,
        open_proposals=waiting[0]["count"],
        created_at=row["created_at"], updated_at=row["updated_at"],
        first_seen=row["first_seen"], last_seen=row["last_seen"],
    )  # fmt: skip


def _identity(row: Mapping[str, Any]) -> IdentityShown:
    at, message_id = _moment(row["stamp"])
    given = {name: row[name] for name in ("kind", "value", "created_at", "shared", "with_kind", "with_value", "who")}
    return IdentityShown(**given, claimed_at=at, message_id=message_id)


def _moment(stamp: str) -> tuple[datetime | None, str | None]:
    """The instant and the message of a stamp."""
    moment, _, message_id = stamp.partition(" ")
    at = _UNIX + timedelta(microseconds=int(moment)) if moment.isdecimal() else None
    return at, message_id or None


def _history(row: Mapping[str, Any]) -> list[TraitShown]:
    """When each trait was last said, and by which message, out of its stamp."""
    result = []
    for name, value in sorted(row["traits"].items())[:_MOST_TRAITS_SHOWN]:
        at, message_id = _moment(row["stamps"].get(name, row["stamp"]))
        result.append(TraitShown(name=name, value=value, at=at, message_id=message_id))
    return result


async def list_proposals(conn: Connection, state: str | None, before: int | None, limit: int) -> list[ProposalShown]:
    """Merge proposals, newest first."""
    rows = await store.rows(conn, "list_proposals", state=state, before=before or 2**62, limit=limit)
    people = await summaries(conn, list({row[side] for row in rows for side in ("one", "other")}))
    by_id = {person.id: person for person in people}
    return [
        ProposalShown(
            one=by_id[row["one"]], other=by_id[row["other"]],
            **{name: row[name] for name in _ASKED},
        )
        for row in rows
        if row["one"] in by_id and row["other"] in by_id
    ]  # fmt: skip


async def compare(conn: Connection, proposal_id: int) -> ComparedPeople:
    """A proposal with both people whole. Raises NoSuchProposal."""
    rows = await store.rows(conn, "take_proposal", id=proposal_id)
    if not rows:
        raise NoSuchProposal
    row = rows[0]
    owner = await store.owners(conn, [Identity(row["kind"], row["value"])])
    return ComparedPeople(
        one=await show_profile(conn, row["one"]), other=await show_profile(conn, row["other"]),
        owner_id=next(iter(owner.values()), None),
        **{name: row[name] for name in _ASKED},
    )  # fmt: skip


async def export_person(ctx: Context, who: Principal, profile_id: int) -> dict[str, Any]:
    """Everything every room knows of a customer, for their own copy. Raises NoSuchProfile."""
    async with ctx.db.transaction() as conn:
        canonical = await canonical_or_fail(conn, profile_id)
        await audit(conn, who, action="profiles.export", subject=f"profile:{canonical}")
        return await PERSONAL.export(ctx, conn, canonical)


async def ask_erasure(ctx: Context, conn: Connection, who: Principal, profile_id: int) -> int:
    """Leave the job that erases a customer everywhere; returns its id. Raises NoSuchProfile."""
    canonical = await canonical_or_fail(conn, profile_id)
    await audit(conn, who, action="profiles.erase", subject=f"profile:{canonical}")
    return await enqueue(conn, "profiles.erase", {"profile_id": canonical}, by=who.name)


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What this room knows of a customer."""
    shown = await show_profile(conn, profile_id)
    return {
        "traits": shown.traits,
        "identities": [{"kind": i.kind, "value": i.value, "created_at": i.created_at} for i in shown.identities],
        "groups": [{"id": g.id, "joined_at": g.joined_at} for g in shown.groups],
        "first_seen": shown.first_seen,
        "last_seen": shown.last_seen,
    }


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget a customer and all that was merged into it."""
    ids = await store.every_id(conn, profile_id)
    for statement in (
        "erase_search", "erase_queue", "erase_refusals", "erase_claims", "erase_identities", "erase_memberships",
        "erase_proposals", "erase_alias", "erase_profile", "erase_dirty",
    ):  # fmt: skip
        await store.run(conn, statement, ids=ids)
