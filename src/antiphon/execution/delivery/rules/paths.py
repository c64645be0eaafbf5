"""The usual paths: what a message of a class does where its author says nothing of it.

A path is channels in their order. A message without a channel takes the first that has an account; one that names a channel goes
on with those after it, and one on a channel that is not in the path goes alone: its author chose otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.delivery.model import Hop, MessageClassName
from antiphon.execution.delivery.rules import store
from antiphon.execution.delivery.rules.model import CAPPED, RuleInvalid
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

PATHED: tuple[MessageClassName, ...] = ("one_time_code", *CAPPED)
"""Classes that may have a usual path."""
MOST = 6
_SECONDS = (10.0, 30 * 86_400.0)


class PathStep(Body, frozen=True, kw_only=True):
    """A channel of a path. It is taken when the one before was refused, failed or expired, or has no receipt
    (``receipt_within``) or no open, click or reply (``answer_within``) so many seconds after it was sent."""

    channel: str
    receipt_within: float | None = None
    answer_within: float | None = None


Paths = Mapping[MessageClassName, Sequence[PathStep]]


async def read_paths(conn: Connection) -> dict[MessageClassName, tuple[PathStep, ...]]:
    """The path of each class that has one."""
    return {name: msgspec.convert(hops, tuple[PathStep, ...]) for name, hops in await store.read_paths(conn)}


async def set_paths(
    ctx: Context, conn: Connection, who: Principal, paths: Paths
) -> dict[MessageClassName, tuple[PathStep, ...]]:
    """Set the paths of all classes; a class without channels has none. Raises RuleInvalid, ChannelUnknown."""
    for name, steps in paths.items():
        if name not in PATHED:
            raise RuleInvalid("Expected one of " + ", ".join(PATHED), field=name)
        if len(steps) > MOST:
            raise RuleInvalid(f"At most {MOST} channels", field=name)
        for place, step in enumerate(steps):
            field = f"{name}[{place}]"
            ctx.get(ChannelRegistry)[step.channel]
            if step.channel in {one.channel for one in steps[:place]}:
                raise RuleInvalid("Each channel once", field=f"{field}.channel")
            for within in ("receipt_within", "answer_within"):
                seconds = getattr(step, within)
                if seconds is not None and not (place and _SECONDS[0] <= seconds <= _SECONDS[1]):
                    raise RuleInvalid("From ten seconds to thirty days, of the second channel on", field=f"{field}.{within}")
    before = await read_paths(conn)
    await store.write_paths(conn, {name: steps for name, steps in paths.items() if steps}, ctx.clock.now())
    after = await read_paths(conn)
    await audit(conn, who, action="delivery.paths", subject="delivery:rules", before=before, after=after)
    return after


async def usual_path(conn: Connection, message_class: MessageClassName, channel: str) -> tuple[str, tuple[Hop, ...]]:
    """The channel a message takes and the hops after it, by the usual path of its class, over channels that have an account; as
    it was where there is none. ``channel`` is empty where its author named none."""
    steps = (await read_paths(conn)).get(message_class, ())
    return along(steps, channel, await store.channels_with_account(conn) if steps else ())


def along(steps: Sequence[PathStep], channel: str, usable: Collection[str]) -> tuple[str, tuple[Hop, ...]]:
    """(the channel, the hops after it) of a path for a message that names ``channel``, or none. Pure."""
    there = [step for step in steps if step.channel in usable or step.channel == channel]
    if not channel and there:
        channel = there[0].channel
    places = [place for place, step in enumerate(there) if step.channel == channel]
    if not places:
        return channel, ()
    return channel, tuple(
        Hop(channel=step.channel, receipt_within=step.receipt_within, answer_within=step.answer_within)
        for step in there[places[0] + 1 :]
    )
