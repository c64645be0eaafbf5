"""A campaign that tries several arms is said: each arm through a dispatch of its own, whom it is for shared out among them, the
rest of an audience kept waiting until one of them is chosen.

Whoever is told after the choice is told by another dispatch of the winner's, so that what is compared stays what was tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from pyroaring import BitMap

from antiphon.execution.campaigns import running, store
from antiphon.execution.campaigns.arms import ArmChosen, ArmWinner, CampaignArm, Reason, number_of, share_out, tried_first
from antiphon.execution.campaigns.model import Campaign, dispatch_key
from antiphon.execution.content import under_subject
from antiphon.execution.delivery import (
    Dispatch,
    Intents,
    Verdict,
    estimate as ask_gate,
    find_dispatches,
    hold,
    open_dispatch,
    submit,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries
from antiphon.foundation.principal import Principal

SQL = load_queries(Path(__file__).with_name("arms.sql"))
REST = "/rest"
"""What the occurrence of those who wait is called, after the one that is tried first."""
LOOP = "campaigns.run"


def base_of(occurrence: str) -> str:
    """The occurrence whose dispatches speak for this one."""
    return occurrence.removesuffix(REST)


async def freeze(
    ctx: Context, conn: Connection, campaign: Campaign, occurrence: str, *, planned_for: datetime, local_at: datetime | None
) -> running.Ready:
    """Keep whom an occurrence is for and what it says; of a campaign with arms what each of them says, and who waits for the
    choice. Raises as `running.ready_to_start`."""
    if not campaign.arms:
        return await running.freeze(ctx, conn, campaign, occurrence, planned_for=planned_for, local_at=local_at)
    ready = await running.ready_to_start(ctx, conn, campaign)
    people, excluded = await running.audience_of(conn, campaign)
    ids = people.to_array()
    first = tried_first(ctx.secret, campaign.id, None if campaign.arm_winner else campaign.arm_choice, ids)
    parts = {occurrence: first} | ({} if first.all() else {occurrence + REST: ~first})
    for name, chosen in parts.items():
        some = BitMap(np.asarray(ids, dtype=np.uint32)[chosen])
        await store.freeze_audience(
            conn, campaign.id, name, members=some.serialize(), excluded=(excluded & some).serialize(), size=len(some),
            now=ctx.clock.now(), planned_for=planned_for, local_at=local_at, template_version_id=ready.template_version_id,
            account_id=ready.account_id, waits=name != occurrence,
        )  # fmt: skip
    await open_arms(ctx, conn, campaign, occurrence)
    return ready


async def open_arms(ctx: Context, conn: Connection, campaign: Campaign, occurrence: str) -> None:
    """Make the dispatches of an occurrence's arms, or of the one that was chosen: what each says is frozen with it."""
    winner = campaign.arm_winner
    for arm in campaign.arms:
        if winner is not None and arm.key != winner.arm:
            continue
        one = campaign.by_arm(arm)
        ready = await running.what_it_says(ctx, conn, one)
        version = ready.template_version_id
        if arm.subject is not None:
            version = await under_subject(conn, version, arm.subject, ctx.clock.now())
        await _open(ctx, conn, one, arm, occurrence, version=version, account=ready.account_id, chosen=winner is not None)


async def _open(
    ctx: Context, conn: Connection, one: Campaign, arm: CampaignArm, occurrence: str, *, version: int | None,
    account: int | None, chosen: bool,
) -> None:  # fmt: skip
    new = await running.new_dispatch(conn, one, occurrence, version=version, account=account)
    key = f"{dispatch_key(one.id, occurrence)}/{arm.key}" + ("/chosen" if chosen else "")
    await open_dispatch(ctx, conn, msgspec.structs.replace(new, key=key))
    keys = [key, *(f"{key}:hop{n + 1}" for n in range(len(new.hops)))]
    params = {"campaign_id": one.id, "occurrence": occurrence, "arm": arm.key, "chosen": chosen, "keys": keys}
    await conn.execute(SQL.note_arm, params)


async def dispatches_of(conn: Connection, campaign: Campaign, occurrence: str) -> dict[int, Dispatch]:
    """The dispatches of an occurrence by the numbers of their arms: of those that are tried, or of the one that was chosen."""
    chosen = campaign.arm_winner is not None
    params = {"campaign_id": campaign.id, "occurrence": base_of(occurrence), "chosen": chosen}
    rows = await (await conn.execute(SQL.arm_dispatches, params)).fetchall()
    found = {one.id: one for one in await find_dispatches(conn, [row[1] for row in rows])}
    return {number_of(campaign.arms, arm): found[dispatch_id] for arm, dispatch_id in rows}


async def spoken_by(conn: Connection, campaign: Campaign, occurrence: str) -> list[int]:
    """All first dispatches of an occurrence, whatever was chosen."""
    params = {"campaign_id": campaign.id, "occurrence": base_of(occurrence), "chosen": None}
    return [row[1] for row in await (await conn.execute(SQL.arm_dispatches, params)).fetchall()]


def shared_out(ctx: Context, campaign: Campaign, intents: Intents) -> Iterator[tuple[int, Intents]]:
    """Intents by the number of the arm their people are in."""
    numbers = share_out(ctx.secret, campaign.id, campaign.arms, campaign.arm_winner, intents.profile_ids)
    for number in np.unique(numbers).tolist():
        places = np.flatnonzero(numbers == number).tolist()
        yield number, msgspec.structs.replace(
            intents,
            profile_ids=_at(intents.profile_ids, places),
            suffixes=_at(intents.suffixes, places),
            variables=_at(intents.variables, places),
        )


def _at(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [values[place] for place in places] if len(values) else []


async def hand_in(ctx: Context, conn: Connection, campaign: Campaign, occurrence: str, intents: Intents) -> Verdict:
    """Hand a part of an occurrence to the gate, each arm's people by its dispatch, in the caller's transaction. The campaign is
    held and as it is now: nobody is decided on while an arm is chosen."""
    dispatches = await dispatches_of(conn, campaign, occurrence)
    total = Verdict()
    for number, part in shared_out(ctx, campaign, intents):
        total += await submit(ctx, conn, dispatches[number], part)
    return total


async def estimate(
    ctx: Context, conn: Connection, campaign: Campaign, intents: Intents, later: Sequence[tuple[str, int | None]]
) -> Mapping[int, Verdict]:
    """What the gate would say of each arm's people now; nothing is written. ``later``: (channel, account) of the hops."""
    now = ctx.clock.now()
    return {
        number: await ask_gate(ctx, conn, running.probe(campaign.by_arm(campaign.arms[number]), now, later), part)
        for number, part in shared_out(ctx, campaign, intents)
    }


async def not_told(conn: Connection, campaign_id: int, profile_ids: Sequence[int]) -> set[int]:
    """Those of these people whom no arm of the campaign has told anything, be it as somebody they were merged with."""
    rows = await (await conn.execute(SQL.told, {"campaign_id": campaign_id, "profile_ids": list(profile_ids)})).fetchall()
    return set(profile_ids) - {row[0] for row in rows}


async def adopt(ctx: Context, conn: Connection, who: Principal, campaign: Campaign, arm: str, *, why: Reason) -> None:
    """Everybody not decided on yet is told by this arm, the rest that waits from now on. The campaign is held. Raises ArmUnknown
    and ArmChosen."""
    number = number_of(campaign.arms, arm)
    if campaign.arm_winner is not None:
        raise ArmChosen(arm=campaign.arm_winner.arm)
    now = ctx.clock.now()
    winner = ArmWinner(arm=arm, at=now, by=who.name if why == "person" else None, why=why)
    await conn.execute(SQL.choose, {"id": campaign.id, "winner": Jsonb(msgspec.to_builtins(winner)), "now": now})
    one = campaign.by_arm(campaign.arms[number])
    open_ones = {"campaign_id": campaign.id, "arm": arm}
    for occurrence, version, account in await (await conn.execute(SQL.open_arms, open_ones)).fetchall():
        await _open(ctx, conn, one, campaign.arms[number], occurrence, version=version, account=account, chosen=True)
    if campaign.state == "paused":
        await hold(conn, campaign.id, "paused")
    await conn.execute(SQL.let_go, {"campaign_id": campaign.id, "now": now})
    await conn.execute(SQL.forget_report, {"campaign_id": campaign.id})
    await audit(conn, who, action="campaigns.adopt", subject=f"campaign:{campaign.id}", before=None, after=winner)
    await wake(conn, LOOP)
