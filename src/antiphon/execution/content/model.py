"""What a template is, and what rendering one needs and gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

Format = Literal["mjml", "html", "text"]
VersionState = Literal["draft", "published", "variant"]

MAX_SOURCE = 512 * 1024  # characters of one part of a template


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an author writes: Liquid in the subject, in the body, and if they wish in a plain-text part of their own."""

    format: Format = "html"
    subject: str = ""
    body: str = ""
    text: str | None = None  # None: made from the body
    preheader: str = ""  # what mailboxes show beside the subject


class Links(Protocol):
    """The URLs one delivery is sent with. `delivery.tracking` makes real ones, `Untracked` leaves addresses alone."""

    @property
    def unsubscribe_url(self) -> str:
        """The hosted page on which this person can unsubscribe."""
        ...

    @property
    def preferences_url(self) -> str:
        """The hosted page on which this person chooses what they receive, and how."""
        ...

    @property
    def open_url(self) -> str | None:
        """The picture whose loading counts as an open; None for none."""
        ...

    def fixed(self, link_id: int, url: str) -> str:
        """What a static link becomes: ``link_id`` is its row in ``link``."""
        ...

    def signed(self, url: str) -> str:
        """What a link becomes whose address differs by person."""
        ...


class Untracked(msgspec.Struct, frozen=True):
    """Links as their author wrote them, for previews and checks."""

    unsubscribe_url: str = "#unsubscribe"
    preferences_url: str = "#preferences"
    open_url: str | None = None

    def fixed(self, link_id: int, url: str) -> str:
        """The address itself."""
        return url

    def signed(self, url: str) -> str:
        """The address itself."""
        return url


class Sample(msgspec.Struct, frozen=True):
    """Links as long as those of a message on a channel of short texts, to count its length before it is sent."""

    base: str
    open_url: str | None = None

    TOKEN = "x" * 24

    @property
    def unsubscribe_url(self) -> str:
        """As long as the hosted page's address."""
        return f"{self.base}/u/{'x' * 32}"

    @property
    def preferences_url(self) -> str:
        """As long as the hosted page's address."""
        return f"{self.base}/p/{'x' * 32}"

    def fixed(self, link_id: int, url: str) -> str:
        """As long as a tracked link."""
        return f"{self.base}/c/{self.TOKEN}"

    def signed(self, url: str) -> str:
        """As long as a link that carries its address."""
        return f"{self.base}/l/{'x' * (32 + (len(url.encode()) * 4 + 2) // 3)}"


class Render(msgspec.Struct, frozen=True, kw_only=True):
    """What one rendering is given: a person's traits, business time, and further named values (campaign, offer)."""

    traits: Mapping[str, Any]
    now: datetime
    extra: Mapping[str, Any] = {}


Severity = Literal["error", "warning"]
Part = Literal["subject", "body", "text", "preheader"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a check found: a stable code, how bad, in which part, at which line (from 1), in words.

    ``facts`` are what ``detail`` speaks of, for those who say it in another language.
    """

    code: str
    severity: Severity
    detail: str
    part: Part = "body"
    line: int | None = None
    facts: dict[str, str] = msgspec.field(default_factory=dict)


class TraitUse(msgspec.Struct, frozen=True, kw_only=True):
    """A trait a template uses, whether it gives a default, and the share of sampled people who lack it (0 to 1)."""

    name: str
    has_default: bool
    missing_share: float | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link found in a template: its address as written, and whether every person gets the same one."""

    url: str
    static: bool
