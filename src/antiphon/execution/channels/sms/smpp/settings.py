"""What an SMPP account needs; its JSON schema is the console's form."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from antiphon.execution.channels.sms.parts import Joining
from antiphon.execution.channels.sms.settings import TextSettings, about

_ALPHANUMERIC = re.compile(r"[A-Za-z0-9 ._&'!/-]{1,11}\Z")
Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[^\s/@]+$")]
Ton = Annotated[int, Meta(ge=-1, le=6)]
Npi = Annotated[int, Meta(ge=-1, le=18)]


class SmppSettings(TextSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SMSC to bind to, the sender it is for, and how it wants to be spoken to."""

    host: Annotated[Host, about("SMSC", "Host name or address.")]
    port: Annotated[int, about("Port"), Meta(ge=1, le=65535)] = 2775
    security: Annotated[Literal["none", "tls"], about("Encryption")] = "none"
    verify_certificate: Annotated[bool, about("Verify the server's certificate")] = True
    system_id: Annotated[str, about("System id", "The user name."), Meta(min_length=1, max_length=15, pattern=r"^[!-~]+$")]
    password: Annotated[str, about("Password"), Meta(max_length=32, pattern=r"^[!-~]*$")] = ""
    system_type: Annotated[str, about("System type"), Meta(max_length=12, pattern=r"^[!-~]*$")] = ""
    bind: Annotated[
        Literal["transceiver", "separate"],
        about("Connections to hear on", "Receipts and replies on connections that send, too, or on receivers of their own."),
    ] = "transceiver"
    sender: Annotated[
        str,
        about("Sender", "A number, a short code, or a name of up to 11 letters and digits."),
        Meta(min_length=1, max_length=20),
    ]
    sender_ton: Annotated[Ton, about("Sender's type of number", "-1: by its look.")] = -1
    sender_npi: Annotated[Npi, about("Sender's numbering plan", "-1: by its look.")] = -1
    destination_ton: Annotated[int, about("Customer's type of number"), Meta(ge=0, le=6)] = 1
    destination_npi: Annotated[int, about("Customer's numbering plan"), Meta(ge=0, le=18)] = 1
    service_type: Annotated[str, about("Service type"), Meta(max_length=5, pattern=r"^[!-~]*$")] = ""
    receipts: Annotated[Literal["all", "failures", "none"], about("Receipts asked for")] = "all"
    validity_hours: Annotated[
        int, about("Hours to try for", "How long the SMSC goes on trying; 0: as it likes."), Meta(ge=0, le=336)
    ] = 0
    charset: Annotated[
        Literal["gsm", "latin1"],
        about("Code of plain texts", "How the SMSC wants texts of the GSM alphabet: in GSM's code, or in Latin-1."),
    ] = "gsm"
    joining: Annotated[
        Joining, about("Long messages", "Parts joined by a header with a short or a long reference, or one message_payload.")
    ] = "8bit"
    message_ids: Annotated[
        Literal["same", "hex_decimal", "decimal_hex"],
        about("Message ids in receipts", "As in answers, or decimal where those are hexadecimal, or the other way round."),
    ] = "same"
    dead_codes: Annotated[
        str,
        about("Errors of dead numbers", "Codes in receipts, separated by commas, after which a number is not written to again."),
        Meta(max_length=500),
    ] = ""
    connections: Annotated[int, about("Connections", "At most, per worker process."), Meta(ge=1, le=20)] = 1
    window: Annotated[int, about("Window", "Messages on the way without an answer, per connection."), Meta(ge=1, le=1000)] = 50
    enquire_seconds: Annotated[float, about("Seconds of silence until the link is tried"), Meta(gt=0, le=600)] = 30.0
    timeout: Annotated[float, about("Seconds to wait for a connection"), Meta(gt=0, le=120)] = 10.0
    answer_timeout: Annotated[float, about("Seconds to wait for an answer"), Meta(gt=0, le=600)] = 60.0

    def __post_init__(self) -> None:
        numeric = re.fullmatch(r"\+?[0-9]{3,20}", self.sender)
        if not numeric and not _ALPHANUMERIC.match(self.sender):
            raise ValueError("sender: must be a number or a name of up to 11 letters and digits")

    @property
    def dead(self) -> frozenset[str]:
        """The codes of dead numbers, without leading zeros."""
        return frozenset(code.strip().lstrip("0") or "0" for code in self.dead_codes.split(",") if code.strip())
