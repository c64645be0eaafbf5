"""What a webhook account needs; its JSON schema is the console's form."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from antiphon.execution.channels.model import AccountSettings
from antiphon.execution.channels.webhook.signing import PREFIX, key_of
from antiphon.foundation.outbound import OutboundRefused, check_url


def _about(title: str, description: str = "") -> Meta:
    return Meta(title=title, description=description or None)


class WebhookSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages are posted, how they are signed, and how long an answer is waited for."""

    url: Annotated[
        str, _about("Address", "Messages are posted here, by https wherever it is not your own network."), Meta(max_length=2000)
    ]
    secret: Annotated[
        str,
        _about(
            "Signing secret",
            "whsec_ and at least 24 bytes in Base64. It signs what is sent, and must sign what is sent back (Standard Webhooks).",
        ),
        Meta(min_length=1, max_length=200),
    ]
    method: Annotated[Literal["POST", "PUT", "PATCH"], _about("Method")] = "POST"
    body: Annotated[
        Literal["envelope", "template"],
        _about("Body", "envelope: the message in Antiphon's own JSON. template: the text of the template is the JSON."),
    ] = "envelope"
    authorization: Annotated[
        str, _about("Authorization", "Sent as the Authorization header, such as: Bearer …. Empty: none."),
        Meta(max_length=2000, pattern=r"^[\x20-\x7e]*$"),
    ] = ""  # fmt: skip
    drops_repeats: Annotated[
        bool,
        _about(
            "Drops repeats",
            "The other side takes a request with the same webhook-id only once: requests whose fate is unknown (5xx, no answer) "
            "are then made again.",
        ),
    ] = False
    timeout: Annotated[float, _about("Seconds to wait for an answer"), Meta(gt=0, le=120)] = 15.0
    connections: Annotated[int, _about("Connections", "At most, per worker process."), Meta(ge=1, le=100)] = 10
    http2: Annotated[bool, _about("HTTP/2", "Offered where the other side has TLS.")] = True
    verify_certificate: Annotated[bool, _about("Verify the server's certificate")] = True

    def __post_init__(self) -> None:
        try:
            check_url(self.url)
        except OutboundRefused as refused:
            raise ValueError(f"url: {refused.detail}") from refused
        if not self.secret.startswith(PREFIX):
            raise ValueError("secret: begins with whsec_")
        try:
            key = key_of(self.secret)
        except ValueError as bad:
            raise ValueError("secret: after whsec_ comes Base64") from bad
        if len(key) < 24:
            raise ValueError("secret: has fewer than 24 bytes")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="message"):
    """The body of a message in Antiphon's own JSON. ``user_id`` is the customer's; ``token`` comes back in news of it."""

    user_id: str
    id: str
    date: str
    text: str
    subject: str = ""
    html: str = ""
    link: str = ""
    unsubscribe_url: str = ""
    token: str = ""
