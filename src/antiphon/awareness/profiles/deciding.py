"""What people decide about who is who: joining, parting, giving and taking identities. All of it can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.casting import Reason
from antiphon.awareness.profiles.errors import (
    IdentityTaken,
    MissingIdentity,
    NoIdentityToJoin,
    NoSuchMerge,
    NoSuchProfile,
    NoSuchProposal,
    NotAnIdentity,
    ProposalDecided,
    ProposalOpen,
    TooManyIdentities,
)
from antiphon.awareness.profiles.identities import Identity, normal_identity, normal_kind
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Claim, order
from antiphon.awareness.profiles.links import LONG_AGO, Row
from antiphon.awareness.profiles.parts import latest
from antiphon.awareness.profiles.rearranging import Outcome, rearrange
from antiphon.awareness.profiles.resolving import IdentitiesContended
from antiphon.awareness.profiles.scene import Named, ThinkAgain
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Jsonb
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import Principal

_TRIES = 8
Key = tuple[Identity, Identity]


async def _again(
    conn: Connection,
    people: Iterable[int],
    *,
    at: datetime,
    named: Sequence[Named] = (),
    words: Sequence[Claim] = (),
    reason: Reason,
) -> Outcome:
    """Hold these people, and rearrange them; whoever is concerned as well is held too."""
    wanted = set(people)
    for _ in range(_TRIES):
        try:
            async with conn.transaction():
                heads = await links.hold(conn, wanted)
                done = await rearrange(conn, heads, named, at=at, heads=heads, words=words, reason=reason)
                await store.mark_dirty(conn, done.changed | wanted)
                return done
        except ThinkAgain as again:
            wanted |= again.about
    raise IdentitiesContended


def _word(one: Identity, other: Identity) -> Claim:
    head, weaker = sorted((one, other), key=order)
    return Claim(head, weaker, "", LONG_AGO, "word")


async def merge_profiles(
    ctx: Context, conn: Connection, who: Principal, *, gone: int, into: int, between: tuple[int, int] | None = None
) -> Claim:
    """Join one canonical profile to another by a person's word; `between` are the profiles they were, where it is known.

    Returns the claim that says so. Raises NoSuchProfile, NoIdentityToJoin, TooManyIdentities.
    """
    await KINDS.refresh(conn)
    if (await links.hold(conn, {gone, into})).keys() != {gone, into}:
        raise NoSuchProfile
    rows = await links.scope(conn, {gone, into})
    word = _word(_strongest(rows, gone, between), _strongest(rows, into, between))
    reason = Reason("decided by a person", who.name, (into,))
    await _again(conn, {gone, into}, at=ctx.clock.now(), words=[word], reason=reason)
    if await store.canonical(conn, gone) != into:
        raise TooManyIdentities
    return word


def _strongest(rows: Mapping[Identity, Row], person: int, between: tuple[int, int] | None) -> Identity:
    """The surest identity of a person, of the profile that is spoken of if there is any left."""
    theirs = [row for row in rows.values() if row.profile == person]
    if not theirs:
        raise NoIdentityToJoin
    meant = [row for row in theirs if between is not None and row.home in between]
    return min((row.identity for row in meant or theirs), key=order)


async def undo_merge(ctx: Context, conn: Connection, who: Principal, gone: int) -> int:
    """Part a merged-away profile from its survivor again, with what was merged into it before; returns the survivor.

    Each keeps its own identities and what was said under them, since as well; events keep the profile they were written
    with. What joined them is not heard again. Raises NoSuchMerge.
    """
    await KINDS.refresh(conn)
    aliases = {row["from_id"]: row for row in await store.rows(conn, "read_aliases", id=gone)}
    if gone not in aliases:
        raise NoSuchMerge
    survivor = int(aliases[gone]["to_id"])
    leaving = {gone}
    while more := {one for one, row in aliases.items() if row["into_id"] in leaving} - leaving:
        leaving |= more
    await links.hold(conn, {survivor})
    rows = await links.scope(conn, {survivor})
    mine = {one for one, row in rows.items() if row.home in leaving}
    own = links.own_claims(rows)
    claims = own | await links.further_claims(conn, list(rows))
    crossing = [c for key, c in claims.items() if key[0] in rows and key[1] in rows and (key[0] in mine) != (key[1] in mine)]
    await _forget_words(conn, [c for c in crossing if c.state == "word"])
    cut = [
        (own.get((c.head, c.other)) or c)._replace(state="cut") for c in crossing if c.state == "said" or (c.head, c.other) in own
    ]
    if cut:
        await links.note_claims(conn, cut, who.name)
    if not mine:
        await links.about(conn, "revive", [gone])
    await _again(conn, {survivor}, at=ctx.clock.now(), reason=Reason("undone by a person", who.name, (survivor,)))
    await store.mark_dirty(conn, [gone, survivor])
    await store.run(conn, "refuse_parted", gone=gone, at=ctx.clock.now(), who=who.name)
    await audit(conn, who, action="profiles.undo_merge", subject=f"profile:{gone}", before={"into": survivor})
    return survivor


async def _forget_words(conn: Connection, claims: Sequence[Claim]) -> None:
    for claim in claims:
        await store.run(
            conn, "forget_claim", kind=claim.other[0], value=claim.other[1], with_kind=claim.head[0], with_value=claim.head[1]
        )


async def decide_proposal(ctx: Context, conn: Connection, who: Principal, proposal_id: int, *, accept: bool) -> None:
    """Do what was proposed, or never offer it again. Raises NoSuchProposal, ProposalDecided."""
    rows = await store.rows(conn, "take_proposal", id=proposal_id)
    if not rows:
        raise NoSuchProposal
    row = rows[0]
    if row["state"] != "open":
        raise ProposalDecided
    one, other = row["one"], row["other"]
    state = "accepted" if accept else "refused"
    await store.run(conn, "decide_proposal", id=proposal_id, state=state, at=ctx.clock.now(), who=who.name)
    undo: dict[str, Any] = {}
    if accept and one != other and row["question"] == "recycled":
        undo = {"cut": await _hand_over(ctx, conn, who, {one, other}, Identity(row["kind"], row["value"]))}
    elif accept and one != other:
        ends = row["low_id"], row["high_id"]
        word = await merge_profiles(ctx, conn, who, gone=max(one, other), into=min(one, other), between=ends)
        undo = {"gone": max(one, other), "word": [*word.head, *word.other]}
    await store.run(conn, "keep_undo", id=proposal_id, undo=Jsonb(undo))
    after = {"one": one, "other": other, "question": row["question"]}
    action = "profiles.accept_merge" if accept else "profiles.refuse_merge"
    await audit(conn, who, action=action, subject=f"proposal:{proposal_id}", after=after)


async def _hand_over(ctx: Context, conn: Connection, who: Principal, people: set[int], identity: Identity) -> list[list[str]]:
    """Take an identity from its owner, to whom its claims are heard no more: it falls to whoever claims it besides."""
    await KINDS.refresh(conn)
    await links.hold(conn, people)
    rows = await links.scope(conn, people)
    if identity not in rows:
        return []
    owner = rows[identity].profile
    claims = links.own_claims(rows) | await links.further_claims(conn, [identity])
    cut = [
        claim._replace(state="cut")
        for (head, other), claim in claims.items()
        if identity in (head, other) and (end := head if other == identity else other) in rows and rows[end].profile == owner
    ]
    if cut:
        await links.note_claims(conn, cut, who.name)
    await _again(conn, people, at=ctx.clock.now(), reason=Reason("decided by a person", who.name))
    return [[*c.head, *c.other] for c in cut]


async def undo_proposal(ctx: Context, conn: Connection, who: Principal, proposal_id: int) -> None:
    """Take a decision back: the proposal is open again, and what followed from it is undone. Raises ProposalOpen."""
    rows = await store.rows(conn, "take_proposal", id=proposal_id)
    if not rows:
        raise NoSuchProposal
    row = rows[0]
    if row["state"] == "open":
        raise ProposalOpen
    await KINDS.refresh(conn)
    people = {row["one"], row["other"]}
    if word := row["undo"].get("word"):
        await _forget_words(conn, [_word(Identity(*word[:2]), Identity(*word[2:]))])
    if cut := row["undo"].get("cut"):
        for head_kind, head_value, kind, value in cut:
            await store.run(conn, "hear_claim_again", kind=kind, value=value, with_kind=head_kind, with_value=head_value)
    if row["undo"]:
        done = await _again(conn, people, at=ctx.clock.now(), reason=Reason("undone by a person", who.name))
        await store.mark_dirty(conn, done.profile.values())
    await store.run(conn, "reopen_proposal", id=proposal_id)
    await audit(conn, who, action="profiles.undo_decision", subject=f"proposal:{proposal_id}", before={"state": row["state"]})


async def add_identity(ctx: Context, conn: Connection, who: Principal, profile: int, kind: str, value: str) -> None:
    """Give a customer an identity nobody has. Raises NotAnIdentity, IdentityTaken, NoIdentityToJoin, TooManyIdentities."""
    await KINDS.refresh(conn)
    spelled = normal_kind(kind)
    if spelled is None:
        raise NotAnIdentity(f"{kind[:40]} can be no kind of identity", field="kind")
    identity = normal_identity(spelled, value)
    if identity is None:
        raise NotAnIdentity(field="value")
    if not await links.hold(conn, {profile}):
        raise NoSuchProfile
    taken = (await links.look_up(conn, [identity])).get(identity)
    if taken is not None:
        if taken.profile == profile:
            return
        raise IdentityTaken(field="value", profile_id=taken.profile)
    rows = await links.scope(conn, {profile})
    if not rows:
        raise NoIdentityToJoin
    if sum(one[0] == identity[0] for one in rows) >= KINDS.of(identity[0]).most:
        raise TooManyIdentities(field="kind")
    now = ctx.clock.now()
    named = Named((identity,), (), "", LONG_AGO, micros(now))
    word = _word(min(rows, key=order), identity)
    await _again(conn, {profile}, at=now, named=[named], words=[word], reason=Reason("decided by a person", who.name, (profile,)))
    await audit(
        conn, who, action="profiles.add_identity", subject=f"profile:{profile}", after={"kind": identity[0], "value": identity[1]}
    )


async def remove_identity(ctx: Context, conn: Connection, who: Principal, profile: int, kind: str, value: str) -> None:
    """Take an identity from a customer; the rest stays one person. Whoever is named by it next has it. Raises MissingIdentity."""
    identity = Identity(kind, value)
    heads = await links.hold(conn, {profile})
    rows = await links.scope(conn, {profile})
    if identity not in rows or profile not in heads:
        raise MissingIdentity
    claims = links.own_claims(rows) | await links.further_claims(conn, [identity])
    rest = sorted((one for one in rows if one != identity), key=order)
    near = {end for key, c in claims.items() if identity in key and c.state != "cut" for end in key if end in rows} - {identity}
    if rest:
        words = [_word(rest[0], one) for one in sorted(near) if one != rest[0]]
        if words:
            await links.note_claims(conn, words, who.name)
        text, blank = heads[profile]
        if not blank and text == f"{kind} {value}":
            await links.set_heads(conn, {profile: f"{rest[0][0]} {rest[0][1]}"})
        parts = await links.said_of(conn, [identity, rest[0]])
        if identity in parts:
            await links.write_said(conn, {rest[0]: latest(parts.values())})
    elif heads[profile][0]:
        await links.set_heads(conn, {profile: ""})
    await store.run(conn, "delete_identity", kind=kind, value=value, profile=profile)
    await store.bump_epoch(conn)
    await _again(conn, {profile}, at=ctx.clock.now(), reason=Reason("decided by a person", who.name, (profile,)))
    await audit(conn, who, action="profiles.remove_identity", subject=f"profile:{profile}", before={"kind": kind, "value": value})
