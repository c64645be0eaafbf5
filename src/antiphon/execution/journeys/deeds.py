"""What steps have the world do: say something, ask another system."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.execution.delivery import Content, Hop, MessageClassName


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a step says: a template's version or a text, on a channel (by default what its purpose says), with hops after it
    (by default, ``usual_path``, those of its class)."""

    channel: str = ""
    message_class: MessageClassName = "marketing"
    topic: str | None = None
    purpose: str = ""
    template_version_id: int | None = None
    content: Content | None = None
    account_id: int | None = None
    hops: tuple[Hop, ...] = ()
    usual_path: bool = True
    split: bool = False
    track_opens: bool = True
    track_clicks: bool = True
    priority: int = 5
    expires_seconds: float | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a step asks of another system: the network is not touched here, the answer moves the person, in
    ``memory["answers"][step key]``. It is signed by ``secret``, or by that of a webhook account, ``account_id``, whose
    authorization it then brings."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    secret: str = ""
    account_id: int | None = None
    give_up_seconds: float = 3600
