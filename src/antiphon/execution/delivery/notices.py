"""Notices of other rooms that end in a message: requests to confirm a consent, invitations of staff."""

from __future__ import annotations

from antiphon.awareness.consent import ConfirmationRequested
from antiphon.execution.delivery.alerting import ALERTS
from antiphon.execution.delivery.errors import NoAccount
from antiphon.execution.delivery.helping import HELPING
from antiphon.execution.delivery.model import Content, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.foundation.access import PersonInvited, invitation_link
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)

CONFIRMATION = Content(
    subject="Please confirm: {{ topic_title }}",
    text=(
        "You asked to hear from us about: {{ topic_title }}.\n\n"
        "Please confirm it here:\n{{ confirm_url }}\n\n"
        "If it was not you, do nothing: we will not write to you about this.\n"
    ),
)
INVITATION = Content(
    subject="{% if purpose == 'invitation' %}You are invited to Antiphon{% else %}Your new Antiphon password{% endif %}",
    text=(
        "Hello {{ name }},\n\n"
        "{% if purpose == 'invitation' %}you are invited to Antiphon. Set your password here:"
        "{% else %}set a new password for Antiphon here:{% endif %}\n{{ link }}\n"
    ),
)


async def ask_to_confirm(ctx: Context, conn: Connection, notice: ConfirmationRequested) -> None:
    """A double opt-in goes out as service mail: it needs no consent, marketing would."""
    new = NewDispatch(
        key=f"consent-confirmation:{notice.channel}",
        channel=notice.channel,
        message_class="service",
        content=CONFIRMATION,
    )
    variables = {"topic_title": notice.topic_title, "confirm_url": notice.url}
    try:
        await submit_one(ctx, conn, new, profile_id=notice.profile_id, suffix=str(notice.consent_id), variables=variables)
    except NoAccount as failed:
        log.warning("no confirmation was asked for", profile=notice.profile_id, error=str(failed))


async def invite_staff(ctx: Context, conn: Connection, notice: PersonInvited) -> None:
    """An invitation, or a link to set a new password. Without an account for e-mail its link is shown to the owner only."""
    new = NewDispatch(key="staff:invitation", channel="email", message_class="staff", content=INVITATION)
    variables = {
        "name": notice.name,
        "purpose": notice.purpose,
        "link": invitation_link(ctx, notice.invitation_id),
    }
    try:
        await submit_one(ctx, conn, new, suffix=str(notice.invitation_id), variables=variables, address=notice.email)
    except NoAccount as failed:
        log.info("the invitation was not sent", error=str(failed))


LISTENERS = (
    HELPING,
    *ALERTS,
    Listener("delivery.ask_to_confirm", ConfirmationRequested, ask_to_confirm),
    Listener("delivery.invite_staff", PersonInvited, invite_staff),
)
