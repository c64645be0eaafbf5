"""What an e-mail account needs; its JSON schema is the console's form."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from antiphon.execution.channels.email.address import BadAddress, mailbox
from antiphon.execution.channels.email.dkim import BadKey, DkimKey, load_key
from antiphon.execution.channels.model import AccountSettings

Security = Literal["none", "starttls", "tls"]
Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[^\s/@]+$")]
Domain = Annotated[str, Meta(max_length=253, pattern=r"^[^\s<>@]*$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Selector = Annotated[str, Meta(max_length=63, pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$")]


def _about(title: str, description: str = "") -> Meta:
    return Meta(title=title, description=description or None)


class EmailSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SMTP server to send through, the sender it is for, and where its bounces are read."""

    host: Annotated[Host, _about("SMTP server", "Host name or address.")]
    port: Annotated[Port, _about("Port", "587 for STARTTLS, 465 for TLS, 25 without.")] = 587
    security: Annotated[Security, _about("Encryption", "TLS from the start, STARTTLS (required, never optional), or none.")] = (
        "starttls"
    )
    verify_certificate: Annotated[bool, _about("Verify the server's certificate")] = True
    username: Annotated[str, _about("User name", "Empty: no sign-in.")] = ""
    password: Annotated[str, _about("Password")] = ""
    from_email: Annotated[str, _about("Sender's address"), Meta(min_length=3, max_length=254)]
    from_name: Annotated[str, _about("Sender's name"), Meta(max_length=200)] = ""
    reply_to: Annotated[str, _about("Reply-To", "Empty: replies go to the sender's address.")] = ""
    bounce_domain: Annotated[
        Domain,
        _about(
            "Domain of return paths",
            "Bounces come back to a signed address in this domain; its mail must reach Antiphon by LMTP, SMTP or the IMAP "
            "mailbox below. Empty: the domain of the sender's address.",
        ),
    ] = ""
    helo: Annotated[Domain, _about("Name in EHLO", "Empty: the domain of the sender's address.")] = ""
    connections: Annotated[int, _about("Connections", "At most, per worker process."), Meta(ge=1, le=100)] = 10
    messages_per_connection: Annotated[int, _about("Messages per connection"), Meta(ge=1, le=100_000)] = 1000
    timeout: Annotated[float, _about("Seconds to wait for an answer"), Meta(gt=0, le=600)] = 60.0
    data_timeout: Annotated[float, _about("Seconds to wait after a message", "RFC 5321 says 600."), Meta(gt=0, le=900)] = 300.0
    dkim: Annotated[
        bool, _about("Sign with DKIM", "By the keys below. Switch on once their DNS records are published.")
    ] = False
    dkim_domain: Annotated[Domain, _about("DKIM domain", "Empty: the domain of the sender's address.")] = ""
    dkim_selector: Annotated[Selector, _about("DKIM selector", "The first key's name in DNS.")] = ""
    dkim_key: Annotated[str, _about("DKIM private key", "PEM: RSA or Ed25519."), Meta(max_length=8000)] = ""
    dkim_selector_2: Annotated[
        Selector, _about("Second DKIM selector", "For a second signature: Ed25519 beside RSA, or a key about to take over.")
    ] = ""
    dkim_key_2: Annotated[str, _about("Second DKIM private key"), Meta(max_length=8000)] = ""
    imap_host: Annotated[str, _about("IMAP server for bounces", "Empty: none.")] = ""
    imap_port: Annotated[Port, _about("IMAP port")] = 993
    imap_security: Annotated[Security, _about("IMAP encryption")] = "tls"
    imap_username: Annotated[str, _about("IMAP user name")] = ""
    imap_password: Annotated[str, _about("IMAP password")] = ""
    imap_folder: Annotated[str, _about("IMAP folder")] = "INBOX"

    def __post_init__(self) -> None:
        domain = f"x@{self.bounce_domain}" if self.bounce_domain else ""
        for name, address in (("from_email", self.from_email), ("reply_to", self.reply_to), ("bounce_domain", domain)):
            try:
                _ = address and mailbox(address)
            except BadAddress as bad:
                raise ValueError(f"{name}: {bad.detail}") from bad
        if any(ord(char) < 32 for char in self.from_name):
            raise ValueError("from_name: may not contain control characters")
        self._check_dkim()

    def _check_dkim(self) -> None:
        for name, selector, pem in (
            ("dkim_key", self.dkim_selector, self.dkim_key),
            ("dkim_key_2", self.dkim_selector_2, self.dkim_key_2),
        ):
            if not pem:
                continue
            if not selector:
                raise ValueError(f"{name.replace('key', 'selector')}: a key needs a selector")
            try:
                load_key(pem)
            except BadKey as bad:
                raise ValueError(f"{name}: {bad}") from bad
        if self.dkim and not self.dkim_keys:
            raise ValueError("dkim: there is no key to sign with")

    @property
    def domain(self) -> str:
        """The domain that message ids and return paths are in."""
        return self.bounce_domain or self.from_email.rpartition("@")[2]

    @property
    def dkim_keys(self) -> tuple[DkimKey, ...]:
        """The keys there are, whether or not they sign yet."""
        domain = mailbox(f"x@{self.dkim_domain or self.from_email.rpartition('@')[2]}").address[2:]
        pairs = ((self.dkim_selector, self.dkim_key), (self.dkim_selector_2, self.dkim_key_2))
        return tuple(DkimKey(domain, selector, pem) for selector, pem in pairs if pem)
