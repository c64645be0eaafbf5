"""What a Twilio account needs; its JSON schema is the console's form."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from antiphon.execution.channels.sms.settings import TextSettings, about

_SENDER = re.compile(r"(\+?[0-9]{3,15}|[A-Za-z0-9 &._+-]{1,11})\Z")
Sid = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9-]*$")]
Secret = Annotated[str, Meta(max_length=200, pattern=r"^[!-~]*$")]


class TwilioSettings(TextSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at Twilio, or at a service that speaks Twilio's API, and the sender it is for."""

    base_url: Annotated[
        str,
        about("Address of the API", "Another than Twilio's for a service that speaks as it does."),
        Meta(max_length=300, pattern=r"^https?://[^\s?#]+$"),
    ] = "https://api.twilio.com"
    account_sid: Annotated[str, about("Account SID"), Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    auth_token: Annotated[
        Secret, about("Auth token", "Signs in, unless there is an API key, and is what callbacks are signed with.")
    ]
    key_sid: Annotated[Sid, about("API key SID", "Empty: the auth token signs in.")] = ""
    key_secret: Annotated[Secret, about("API key's secret")] = ""
    sender: Annotated[str, about("Sender", "A number, a short code or a name; empty with a messaging service.")] = ""
    messaging_service: Annotated[Sid, about("Messaging service SID", "Chooses the sender; empty: the sender above.")] = ""
    validity_seconds: Annotated[
        int,
        about("Seconds to try for", "How long Twilio keeps a message it cannot pass on; 0: as it likes."),
        Meta(ge=0, le=36_000),
    ] = 0
    smart_encoding: Annotated[bool, about("Smart encoding", "Twilio replaces typographic signs by plain ones.")] = False
    status_callbacks: Annotated[bool, about("Ask for receipts", "Told to this account's callback address.")] = True
    timeout: Annotated[float, about("Seconds to wait for an answer"), Meta(gt=0, le=120)] = 30.0
    connections: Annotated[int, about("Connections", "At most, per worker process."), Meta(ge=1, le=50)] = 10

    def __post_init__(self) -> None:
        if not self.auth_token:
            raise ValueError("auth_token: is needed")
        if bool(self.key_sid) != bool(self.key_secret):
            raise ValueError("key_secret: an API key has a SID and a secret")
        if not self.sender and not self.messaging_service:
            raise ValueError("sender: a sender or a messaging service is needed")
        if self.sender and not _SENDER.match(self.sender):
            raise ValueError("sender: must be a number or a name of up to 11 letters and digits")

    @property
    def api(self) -> str:
        """The account's resource, without ``.json``."""
        return f"{self.base_url.rstrip('/')}/2010-04-01/Accounts/{self.account_sid}"
