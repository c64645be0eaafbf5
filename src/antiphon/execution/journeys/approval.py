"""Approval before a draft goes live: when it is needed, who asks, who decides, and how the others hear of it.

The installation's rule says whether journeys must be approved by somebody else. What is approved is one revision of the draft:
a change of it needs a new approval, unless something was but drawn elsewhere. Who wrote any of it since it last went live cannot
approve it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from antiphon.execution.delivery import Content, NewDispatch, NoAccount, submit_one
from antiphon.execution.journeys.errors import (
    DraftChanged,
    JourneyApprovalMissing,
    JourneyApprovalNeeded,
    JourneyInvalid,
    OwnJourney,
    RefusalWithoutReason,
)
from antiphon.execution.journeys.findings import sentence
from antiphon.execution.journeys.service import check_definition, errors_of, find, locked
from antiphon.execution.journeys.shown import Approval, Journey
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Jsonb, load_queries
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

SQL = load_queries(Path(__file__).with_name("approval.sql"))
APPROVERS = ("owner", "marketer", "branch_manager")
"""The roles that may approve; the owner always may."""
When = Literal["off", "always"]
log = get_logger(__name__)
ASKED = Content(
    subject="Please approve: {{ journey_name }}",
    text=(
        "Hello {{ name }},\n\n{{ asked_by }} asks for approval of the journey \"{{ journey_name }}\".\n\n"
        "Read and decide it here:\n{{ link }}\n"
    ),
)
DECIDED = Content(
    subject="{% if approved %}Approved{% else %}Refused{% endif %}: {{ journey_name }}",
    text=(
        "Hello {{ name }},\n\n{{ decided_by }} has {% if approved %}approved{% else %}refused{% endif %} the journey "
        "\"{{ journey_name }}\".\n{% if comment %}\n{{ comment }}\n{% endif %}\n{{ link }}\n"
    ),
)


class JourneyRule(msgspec.Struct, frozen=True, kw_only=True):
    """When journeys must be approved by somebody else before they go live: `off`, or `always`."""

    approval: When = "off"


async def read_rule(conn: Connection) -> JourneyRule:
    """The installation's rule."""
    row = await (await conn.execute(SQL.read_rule)).fetchone()
    assert row is not None
    return JourneyRule(approval=row[0])


async def change_rule(ctx: Context, conn: Connection, who: Principal, rule: JourneyRule) -> JourneyRule:
    """Change it."""
    before = await read_rule(conn)
    await conn.execute(SQL.write_rule, {"approval": rule.approval, "who": who.name, "now": ctx.clock.now()})
    await audit(conn, who, action="journeys.rule", subject="journeys", before=before, after=rule)
    return rule


async def require(conn: Connection, one: Journey) -> None:
    """Raise JourneyApprovalNeeded where the draft may not go live without an approval it does not have."""
    if (await read_rule(conn)).approval == "always" and not one.approved:
        raise JourneyApprovalNeeded


async def ask(ctx: Context, conn: Connection, who: Principal, journey_id: int, *, revision: int) -> Journey:
    """Ask for approval of the draft; those who may give it, and did not write it, hear of it. Raises DraftChanged,
    JourneyInvalid."""
    one = await _seen(conn, journey_id, "submit", revision)
    wrong = errors_of(await check_definition(ctx, conn, one.draft, journey_id))
    if wrong:
        raise JourneyInvalid(field=f"draft.{wrong[0].place}", count=len(wrong), first=sentence(wrong[0]))
    asked = Approval(state="asked", revision=revision, asked_by=who.name, asked_at=ctx.clock.now())
    after = await _keep(conn, who, one, asked, "journeys.submit")
    rows = await (await conn.execute(SQL.approvers, {"roles": list(APPROVERS)})).fetchall()
    others = [row for row in rows if f"person:{row[0]}" not in {*one.authors, who.subject}]
    await _tell(ctx, conn, others, after, "asked", ASKED, {"asked_by": who.name})
    return after


async def decide(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, *, revision: int, approve: bool, comment: str
) -> Journey:
    """Approve or refuse the draft of this revision. Raises OwnJourney, DraftChanged, JourneyApprovalMissing where nobody
    asked, and RefusalWithoutReason."""
    one = await _seen(conn, journey_id, "approve" if approve else "refuse", revision)
    if one.approval is None or one.approval.revision != revision:
        raise JourneyApprovalMissing
    if who.subject in one.authors:
        raise OwnJourney
    if not approve and not comment.strip():
        raise RefusalWithoutReason(field="comment")
    decided = msgspec.structs.replace(
        one.approval, state="approved" if approve else "refused", decided_by=who.name, decided_at=ctx.clock.now(),
        comment=comment.strip(),
    )  # fmt: skip
    after = await _keep(conn, who, one, decided, "journeys.approve" if approve else "journeys.refuse")
    rows = await (await conn.execute(SQL.colleagues, {"subjects": one.authors})).fetchall()
    facts = {"decided_by": who.name, "approved": approve, "comment": comment.strip()}
    await _tell(ctx, conn, rows, after, "decided", DECIDED, facts)
    return after


async def _seen(conn: Connection, journey_id: int, verb: Literal["submit", "approve", "refuse"], revision: int) -> Journey:
    one = await locked(conn, journey_id, verb)
    if one.draft_revision != revision:
        raise DraftChanged(field="revision", revision=one.draft_revision)
    return one


async def _keep(conn: Connection, who: Principal, one: Journey, said: Approval, action: str) -> Journey:
    await conn.execute(SQL.write_approval, {"id": one.id, "approval": Jsonb(msgspec.to_builtins(said))})
    await audit(conn, who, action=action, subject=f"journey:{one.id}", before=one.approval, after=said)
    return await find(conn, one.id)


async def _tell(
    ctx: Context, conn: Connection, people: Sequence[Sequence[Any]], one: Journey, what: str, content: Content, facts:
    Mapping[str, Any]
) -> None:
    """A staff message to each through the gate; without an account for e-mail it is left to the console."""
    new = NewDispatch(key=f"staff:journey-approval:{what}", channel="email", message_class="staff", content=content)
    for person, name, email in people:
        known = {"name": name, "journey_name": one.name, "link": f"{ctx.settings.base_url}/journeys/{one.id}", **facts}
        suffix = f"{one.id}:{person}:{ctx.clock.now().isoformat()}"
        try:
            await submit_one(ctx, conn, new, suffix=suffix, variables=known, address=email)
        except NoAccount as failed:
            log.info("nobody was told of an approval", journey=one.id, error=str(failed))
            return
