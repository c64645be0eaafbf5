"""The verbs on profiles: find, show, merge by an analyst's word, undo, export, erase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from antiphon.awareness.profiles import store
from antiphon.awareness.profiles.errors import NoSuchMerge, NoSuchProfile, NoSuchProposal, ProposalDecided
from antiphon.awareness.profiles.identities import EMAIL, PHONE, USER_ID, normal_phone
from antiphon.awareness.profiles.model import (
    GroupShown,
    IdentityShown,
    MergedShown,
    ProfileShown,
    ProfileSummary,
    ProposalShown,
    TraitShown,
    display_name,
)
from antiphon.awareness.profiles.notices import MergeUndone, ProfilesMerged
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import RunningJob, enqueue
from antiphon.foundation.notices import publish
from antiphon.foundation.personal import PERSONAL
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TRAITS_SHOWN = 1000


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def find_profiles(conn: Connection, words: str, limit: int) -> list[ProfileSummary]:
    """Customers by id, e-mail, phone or user id (beginnings), then by the words of names and traits; best first."""
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
        pattern, prefix = f"%{_like(words)}%", f"{_like(words)}%"
        rows = await store.rows(conn, "find_by_words", pattern=pattern, prefix=prefix, limit=limit)
        found.update(dict.fromkeys(row["profile_id"] for row in rows))
        if len(found) < limit:
            rows = await store.rows(conn, "unindexed_by_words", pattern=pattern, limit=limit)
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
    identities = [IdentityShown(**one) for one in await store.rows(conn, "read_identities", id=canonical)]
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
        groups=[GroupShown(**one) for one in await store.rows(conn, "read_groups", id=canonical)],
        merged=merged,
        open_proposals=waiting[0]["count"],
        created_at=row["created_at"], updated_at=row["updated_at"],
        first_seen=row["first_seen"], last_seen=row["last_seen"],
    )  # fmt: skip


def _history(row: Mapping[str, Any]) -> list[TraitShown]:
    """When each trait was last said, and by which message, out of its stamp."""
    result = []
    for name, value in sorted(row["traits"].items())[:_MOST_TRAITS_SHOWN]:
        stamp = row["stamps"].get(name, row["stamp"])
        moment, _, message_id = stamp.partition(" ")
        at = _UNIX + timedelta(microseconds=int(moment)) if moment.isdecimal() else None
        result.append(TraitShown(name=name, value=value, at=at, message_id=message_id or None))
    return result


async def list_proposals(conn: Connection, state: str | None, before: int | None, limit: int) -> list[ProposalShown]:
    """Merge proposals, newest first."""
    rows = await store.rows(conn, "list_proposals", state=state, before=before or 2**62, limit=limit)
    people = await summaries(conn, list({row[side] for row in rows for side in ("one", "other")}))
    by_id = {person.id: person for person in people}
    return [
        ProposalShown(**(row | {"one": by_id[row["one"]], "other": by_id[row["other"]]}))
        for row in rows
        if row["one"] in by_id and row["other"] in by_id
    ]


async def decide_proposal(ctx: Context, conn: Connection, who: Principal, proposal_id: int, *, accept: bool) -> None:
    """Merge the two, or never offer it again. Raises NoSuchProposal, ProposalDecided."""
    rows = await store.rows(conn, "take_proposal", id=proposal_id)
    if not rows:
        raise NoSuchProposal
    if rows[0]["state"] != "open":
        raise ProposalDecided
    one, other = rows[0]["one"], rows[0]["other"]
    now = ctx.clock.now()
    if accept and one != other:
        await merge_profiles(ctx, conn, who, gone=max(one, other), into=min(one, other))
    state = "accepted" if accept else "refused"
    await store.run(conn, "decide_proposal", id=proposal_id, state=state, at=now, who=who.name)
    await audit(
        conn, who, action=f"profiles.{'accept' if accept else 'refuse'}_merge", subject=f"proposal:{proposal_id}",
        after={"one": one, "other": other},
    )  # fmt: skip


async def merge_profiles(ctx: Context, conn: Connection, who: Principal, *, gone: int, into: int) -> None:
    """Merge one canonical profile into another by a person's word. Raises NoSuchProfile."""
    if await store.lock_profiles(conn, sorted((gone, into))) != {gone, into}:
        raise NoSuchProfile
    now = ctx.clock.now()
    await store.merge(conn, [(gone, into)], at=now, reason="decided by a person", who=who.name)
    await store.mark_dirty(conn, [gone, into])
    ids = await store.every_id(conn, into)
    await store.run(conn, "close_settled_proposals", at=now, who=who.name, ids=ids)
    await publish(conn, ProfilesMerged([gone], [into]))


async def undo_merge(ctx: Context, conn: Connection, who: Principal, gone: int) -> int:
    """Take a merged-away profile out again, with its identities and traits; returns its former survivor.

    What was said of the survivor since stays with the survivor; events keep the profile they were written with.
    Raises NoSuchMerge.
    """
    await store.bump_epoch(conn)
    rows = await store.rows(conn, "read_alias", id=gone)
    if not rows:
        raise NoSuchMerge
    alias = rows[0]
    below = [row["from_id"] for row in await store.rows(conn, "aliases_below", id=gone)]
    chain = [alias]
    while chain[-1]["into_id"] != alias["to_id"]:
        further = await store.rows(conn, "read_alias", id=chain[-1]["into_id"])
        if not further:
            break
        chain.append(further[0])
    survivor = (await store.rows(conn, "read_profile", id=alias["to_id"]))[0]
    await store.write_undone(conn, alias, below, _without(survivor, alias, chain))
    await store.mark_dirty(conn, [gone, alias["to_id"]])
    await publish(conn, MergeUndone(gone, alias["to_id"]))
    await audit(conn, who, action="profiles.undo_merge", subject=f"profile:{gone}", before={"into": alias["to_id"]})
    return int(alias["to_id"])


def _without(
    survivor: Mapping[str, Any], alias: Mapping[str, Any], chain: list[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The survivor's traits and stamps without what it had only by this merge."""
    traits, stamps = dict(survivor["traits"]), dict(survivor["stamps"])
    for name in set(alias["traits"]) | set(alias["stamps"]):
        brought = alias["stamps"].get(name, alias["stamp"])
        if stamps.get(name, survivor["stamp"] if name in traits else "") != brought:
            continue
        before = [
            (link["target_stamps"].get(name, link["target_stamp"]), link["target_traits"].get(name))
            for link in chain
            if name in link["target_traits"] or name in link["target_stamps"]
        ]
        traits.pop(name, None)
        stamps.pop(name, None)
        if before:
            stamp, value = max(before, key=lambda pair: pair[0])
            stamps[name] = stamp
            if value is not None:
                traits[name] = value
    return traits, stamps


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


async def run_erasure(ctx: Context, job: RunningJob) -> dict[str, Any]:
    """The job: every room forgets the person in one transaction; what lies in the lake is erased by jobs of its rooms."""
    profile_id = int(job.args["profile_id"])
    async with ctx.db.transaction() as conn:
        await job.fence(conn)
        await store.bump_epoch(conn)
        await PERSONAL.erase(ctx, conn, profile_id)
    return {"profile_id": profile_id}


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
        "erase_search", "erase_queue", "erase_refusals", "erase_identities", "erase_memberships", "erase_proposals",
        "erase_alias", "erase_profile", "erase_dirty",
    ):  # fmt: skip
        await store.run(conn, statement, ids=ids)
