"""Writing: from a claimed row to a message a channel can carry, by its dispatch's compiled template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from antiphon.execution.channels import Account, Channels, Message
from antiphon.execution.content import CompiledTemplate, Render, RenderFailed, RenderLimit, Source, Templates, compile_source
from antiphon.execution.delivery import codes
from antiphon.execution.delivery.model import NOBODY, Content, Dispatch
from antiphon.execution.delivery.store import Claimed
from antiphon.execution.delivery.tracking import Tracker
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash

KEPT = 64  # compiled texts of dispatches without a template


class Unwritable(Exception):
    """The template cannot be filled in for this customer."""

    reason = "render_failed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Writer:
    """One process's compiled templates, and how each dispatch is written."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._tracker = Tracker(ctx.secret, ctx.settings.base_url)
        self._texts: dict[int, CompiledTemplate] = {}

    async def of(self, dispatch: Dispatch, account: Account, *, carries: bool = True) -> Callable[[Claimed, datetime], Message]:
        """A function that writes one row of this dispatch; it raises `Unwritable`. ``carries``: the provider reads the message's
        token and key; otherwise they are not made."""
        template = await self._template(dispatch)
        own = getattr(account.settings, "bounce_domain", "")
        domain = own or self._ctx.settings.bounce_domain or getattr(account.settings, "domain", "")
        feedback = (f"c{dispatch.campaign_id or 0}", dispatch.message_class, f"a{account.id}")
        rules = dispatch.rules
        secret = self._ctx.secret
        short = not self._ctx.get(Channels)[account.provider].manifest.capabilities.html
        skeleton = str(dispatch.id)

        def write(row: Claimed, now: datetime) -> Message:
            links = self._tracker.links(
                row.delivery_id, row.profile_id, opens=dispatch.track_opens, clicks=dispatch.track_clicks, at=now,
                short=short,
            )  # fmt: skip
            if codes.is_over(row.variables):
                raise Unwritable("the verification it is for is over")
            variables = codes.told(secret, row.variables)
            variables.setdefault("language", row.language or "")
            try:
                content = template.render(Render(traits=row.traits or {}, now=now, extra=variables), links)
            except (RenderFailed, RenderLimit) as failed:
                raise Unwritable(str(failed)) from failed
            return Message(
                delivery_id=row.delivery_id,
                address=row.address,
                content=content,
                date=now,
                skeleton=skeleton,
                return_path=self._tracker.return_path(row.delivery_id, row.profile_id, domain) if domain else None,
                unsubscribe_url=links.unsubscribe_url if rules.can_unsubscribe and row.profile_id != NOBODY else None,
                feedback=feedback,
                token=self._tracker.hook(row.delivery_id, row.profile_id) if carries else "",
                key=keyed_hash(secret, "message", row.delivery_id, row.profile_id).hex() if carries else "",
                split=dispatch.split,
                link=links.first or next(iter(template.urls), None),
            )

        return write

    async def _template(self, dispatch: Dispatch) -> CompiledTemplate:
        if dispatch.content is None:
            assert dispatch.template_version_id is not None
            async with self._ctx.db.connection() as conn:
                return await self._ctx.get(Templates).compiled(conn, dispatch.template_version_id)
        known = self._texts.get(dispatch.id)
        if known is None:
            if len(self._texts) >= KEPT:
                self._texts.clear()
            known = self._texts[dispatch.id] = compile_source(_source(dispatch.content))
        return known


def _source(content: Content) -> Source:
    if content.html is None:
        return Source(format="text", subject=content.subject, body=content.text)
    return Source(format="html", subject=content.subject, body=content.html, text=content.text)
