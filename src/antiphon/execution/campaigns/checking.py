"""What can be known to be wrong of an unfinished campaign."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from antiphon.awareness.consent import ChannelRegistry, topic_title
from antiphon.awareness.segments import SegmentNotFound, find_segment
from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.arms import ArmsInvalid, check_shape
from antiphon.execution.campaigns.goals import check_goal
from antiphon.execution.campaigns.model import NoSuchPart, WrongChannel
from antiphon.execution.campaigns.triggers import TriggerInvalid, check_trigger
from antiphon.execution.content import Source, TemplateInvalid, compile_source
from antiphon.foundation import recurrence
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


async def check_values(ctx: Context, conn: Connection, values: Mapping[str, Any]) -> None:
    """Raise the error that names the field which is wrong: ChannelUnknown, NoSuchPart, WrongChannel, RecurrenceInvalid, …"""
    channel = ctx.get(ChannelRegistry)[values["channel"]].name
    if values["topic"] is not None:
        await topic_title(conn, values["topic"])
    for field in ("segment_id", "excluded_segment_ids"):
        wanted = values[field] if isinstance(values[field], list) else [values[field]]
        for segment_id in wanted:
            await _check_segment(conn, segment_id, field)
    await _check_template(conn, values["template_id"], channel, "template_id")
    await _check_account(conn, values["account_id"], channel, "account_id")
    for n, hop in enumerate(values["hops"]):
        name = ctx.get(ChannelRegistry)[hop.channel].name
        await _check_template(conn, hop.template_id, name, f"hops[{n}].template_id")
        await _check_account(conn, hop.account_id, name, f"hops[{n}].account_id")
    await _check_arms(ctx, conn, values)
    await check_purpose(conn, values["purpose"])
    if values["local_at"] is not None and values["local_at"].tzinfo is not None:
        raise recurrence.RecurrenceInvalid(field="local_at", why="a time in each person's zone has no offset of its own")
    for field in ("send_at", "local_at"):
        if values[field] is not None and not recurrence.is_near(values[field]):
            raise recurrence.RecurrenceInvalid(field=field, why="the time is between the years 2000 and 2100")
    if values["recurrence"] is not None:
        await asyncio.to_thread(recurrence.check, values["recurrence"])
    if values["trigger"] is not None:
        check_trigger(values["trigger"])
    if values["goal"] is not None:
        check_goal(values["goal"])
    _check_kind(values)


async def _check_arms(ctx: Context, conn: Connection, values: Mapping[str, Any]) -> None:
    """Raise what is wrong with the arms, naming the field."""
    check_shape(
        values["arms"], values["arm_choice"], kind=values["kind"], local=values["local_at"] is not None,
        opens=values["track_opens"], clicks=values["track_clicks"], goal=values["goal"] is not None,
    )  # fmt: skip
    for n, arm in enumerate(values["arms"]):
        name = ctx.get(ChannelRegistry)[arm.channel or values["channel"]].name
        if name != values["channel"] and arm.template_id is None and values["template_id"] is not None:
            raise ArmsInvalid(field=f"arms[{n}].template_id", why="another channel needs a template of its own")
        await _check_template(conn, arm.template_id, name, f"arms[{n}].template_id")
        await _check_account(conn, arm.account_id, name, f"arms[{n}].account_id")
        if arm.subject is not None:
            try:
                compile_source(Source(format="text", subject=arm.subject, body="-"))
            except TemplateInvalid as failed:
                failed.field = f"arms[{n}].subject"
                raise


async def check_purpose(conn: Connection, purpose: str) -> None:
    """Raise NoSuchPart for a purpose that is none: it would be suitable anywhere."""
    if purpose and not await store.is_purpose(conn, purpose):
        raise NoSuchPart(field="purpose", what="purpose", id=purpose)


def _check_kind(values: Mapping[str, Any]) -> None:
    """A campaign says when it is said in one way."""
    for field, kind in (("recurrence", "recurring"), ("trigger", "triggered")):
        if values[field] is not None and values["kind"] != kind:
            raise TriggerInvalid(field=field, why=f"only a {kind} campaign has one")
    for field in ("send_at", "local_at"):
        if values[field] is not None and values["kind"] != "one_off":
            raise TriggerInvalid(field=field, why="only a one-off campaign has a time of its own")
    if values["send_at"] is not None and values["local_at"] is not None:
        raise TriggerInvalid(field="local_at", why="either an instant or a wall time, not both")


async def _check_template(conn: Connection, template_id: int | None, channel: str, field: str) -> None:
    if template_id is None:
        return
    found = await store.published_version(conn, template_id)
    if found is None:
        raise NoSuchPart(field=field, what="template", id=template_id)
    if found[0] != channel:
        raise WrongChannel(field=field, what="template", channel=channel)


async def _check_account(conn: Connection, account_id: int | None, channel: str, field: str) -> None:
    if account_id is None:
        return
    account = await store.account_channel(conn, account_id)
    if account is None:
        raise NoSuchPart(field=field, what="account", id=account_id)
    if account != channel:
        raise WrongChannel(field=field, what="account", channel=channel)


async def _check_segment(conn: Connection, segment_id: int | None, field: str) -> None:
    if segment_id is None:
        return
    try:
        await find_segment(conn, segment_id)
    except SegmentNotFound:
        raise NoSuchPart(field=field, what="segment", id=segment_id) from None
