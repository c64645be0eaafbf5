"""A customer's call for help is answered by the account it came to, through the gate like everything else."""

from __future__ import annotations

from antiphon.execution.channels import AccountUnknown, Answering, Channels
from antiphon.execution.delivery.heard import Replied
from antiphon.execution.delivery.model import NOBODY, Content, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection

ANSWER = Content(subject="", text="{{ answer }}")  # an account's own words: no Liquid is read in them


async def answer_call(ctx: Context, conn: Connection, notice: Replied) -> None:
    """Say what the account says to this word, at most once an hour to one person: two machines must not talk for ever."""
    channels = ctx.get(Channels)
    try:
        account = await channels.account(conn, notice.account_id)
    except AccountUnknown:
        return
    provider = channels[account.provider]
    answer = provider.answer(notice.text, account) if isinstance(provider, Answering) else None
    if answer is None or not notice.address or not account.enabled:
        return
    new = NewDispatch(
        key=f"answer:{account.id}", channel=account.channel, message_class="service", account_id=account.id, content=ANSWER,
        split=True,
    )  # fmt: skip
    person = NOBODY if notice.profile_id is None else notice.profile_id
    who = keyed_hash(ctx.secret, "answer", notice.address).hex()[:16]
    await submit_one(
        ctx, conn, new, profile_id=person, suffix=f"{who}:{notice.at:%Y-%m-%dT%H}", variables={"answer": answer},
        address=notice.address if person == NOBODY else None,
    )  # fmt: skip


HELPING = Listener("delivery.answer_call", Replied, answer_call)
