"""People made, joined and parted, so that the tables say what all claims together say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from antiphon.awareness.profiles import links
from antiphon.awareness.profiles.casting import ALONE, Cast, Reason
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Arrangement, Claim, Proposal, arrange, order, recycled
from antiphon.awareness.profiles.parts import share_out
from antiphon.awareness.profiles.scene import Named, Scene, ThinkAgain
from antiphon.foundation.postgres import Connection


class Outcome(msgspec.Struct):
    """Who is who now."""

    profile: dict[Identity, int]
    changed: set[int]
    """Profiles whose identities or traits are others now."""
    heads: dict[int, tuple[str, bool]]
    """Of those made or rearranged: under which identity their traits are said, and whether there are none yet."""
    written: set[int]
    """Places of messages whose traits were written with their new profile."""
    over: set[int]
    """Places of messages that name an identity past a person's most."""


async def rearrange(
    conn: Connection,
    people: Iterable[int],
    named: Sequence[Named],
    *,
    at: datetime,
    heads: dict[int, tuple[str, bool]],
    words: Sequence[Claim] = (),
    reason: Reason = ALONE,
) -> Outcome:
    """Hear new claims about these people, who are held, and write what follows; `words` are a person's own. Raises ThinkAgain."""
    scene = await Scene.load(conn, people, named)
    scene.hear(named, words)
    arranged = arrange(scene.vertices, scene.claims.values(), scene.outside, scene.shared, KINDS)
    if arranged.outside:
        raise ThinkAgain(arranged.outside.values())
    scene.shared = arranged.shared
    over = scene.leave_out(named, arranged)
    cast = await Cast.choose(conn, scene, arranged, reason)
    made = await cast.make(conn, scene, named)
    await scene.write(conn, cast.profile, reason.who)
    changed = await cast.settle(conn, scene, at, reason)
    parted = await share_out(conn, scene.rows, cast.profile, cast.regrouped, heads) if cast.regrouped else set()
    if cast.losers:
        await links.pairs(conn, "retire", cast.losers)
    await _ask(conn, scene, arranged, cast)
    told = dict.fromkeys(parted, ("", False)) | made.heads
    return Outcome(cast.profile, changed | parted | set(made.heads), told, made.written, over)


async def _ask(conn: Connection, scene: Scene, arranged: Arrangement, cast: Cast) -> None:
    """Propose what must not happen by itself; withdraw what nobody needs to ask any more."""
    profile = scene.outside | cast.profile
    wanted: dict[tuple[int, int], Proposal] = {}
    members: dict[int, set[Identity]] = {}
    for identity, owner in profile.items():
        members.setdefault(owner, set()).add(identity)
    claims = list(scene.claims.values())
    shared_by: dict[tuple[int, int], set[Identity]] = {}
    unsure: set[tuple[int, int]] = set()
    for claim in arranged.conflicts:
        if not (KINDS.of(claim.head[0]).proposes and KINDS.of(claim.other[0]).proposes):
            continue
        claimant, its = profile[claim.head], profile[claim.other]
        if claimant != its:
            shared_by.setdefault((min(claimant, its), max(claimant, its)), set()).add(claim.other)
    for (low, high), identities in shared_by.items():
        ranked = sorted(identities, key=order)
        came = all(recycled(claims, members[profile[one]], members[low + high - profile[one]], one, KINDS) for one in ranked)
        wanted[low, high] = Proposal(low, high, ranked[0], "recycled" if came else "one_person")
        if any(one in scene.outside and KINDS.of(one[0]).quiet_days for one in ranked):
            unsure.add((low, high))  # its owner's claims were not looked at: what was asked stays
    if not wanted and not scene.people:
        return
    there = await links.proposals_about(conn, {*cast.of.values(), *scene.people} - {one for one, _ in cast.losers})
    stale, changed = [], []
    for number, left, right, kind, value, state, question in there:
        pair = min(left, right), max(left, right)
        asked = wanted.pop(pair, None)
        if state != "open" or (asked is not None and pair in unsure):
            continue
        if asked is None:
            stale.append(number)
        elif (asked.identity, asked.question) != (Identity(kind, value), question):
            changed.append((number, asked))
    if stale:
        await links.about(conn, "drop_proposals", stale)
    if changed:
        await links.rephrase(conn, changed)
    if wanted:
        await links.propose(conn, list(wanted.values()))
