"""Signed tokens that name a delivery in opens, clicks, unsubscribes and return paths. Pure.

A token is bound to its purpose by a keyed hash: one that was forged, altered or made for something else does not read.
Replaying a good one is harmless by design: it can only raise a counter or repeat a withdrawal of consent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from antiphon.awareness.consent import preferences_link
from antiphon.foundation.ids import BadSignature, sign, unsign

Purpose = Literal["open", "click", "link", "unsubscribe", "hook"]

PATHS: Mapping[Purpose, str] = {"open": "/o/", "click": "/c/", "link": "/l/", "unsubscribe": "/u/"}
MAX_URL = 2000  # a longer address is sent as it is, untracked: its token would not survive mail programs
RETURN_PREFIX = "b+"

NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_REF = struct.Struct(">QI")
_REF_LINK = struct.Struct(">QII")
_TAG = 12
_RETURN_PURPOSE = b"return-path\0"
_SHORT_PURPOSE = b"short-click\0"
_SHORT = 24  # characters of a short link's token: 6 octets of its hash, 12 of its numbers
_SHORT_TAG = 6


class Ref(msgspec.Struct, frozen=True):
    """What a token names: a delivery and its person, and for a click the link or the address itself."""

    delivery_id: int
    profile_id: int
    link_id: int | None = None
    url: str | None = None


def short_token(key: bytes, delivery_id: int, profile_id: int, link_id: int) -> str | None:
    """The token of a short link; None for numbers too large for one. Its hash is short, too: whoever guessed one in 2^48 could
    raise a counter, and would be led where the message leads."""
    if delivery_id >= 1 << 40 or profile_id >= 1 << 32 or link_id >= 1 << 24:
        return None
    numbers = delivery_id.to_bytes(5, "big") + profile_id.to_bytes(4, "big") + link_id.to_bytes(3, "big")
    tag = hmac.digest(key, _SHORT_PURPOSE + numbers, "sha256")[:_SHORT_TAG]
    return base64.urlsafe_b64encode(tag + numbers).decode()


class DeliveryLinks:
    """The URLs of one delivery, made on demand while its template renders. Implements `content.Links`."""

    __slots__ = (
        "_at", "_base", "_clicks", "_delivery_id", "_key", "_profile_id", "_ref", "_short", "first", "open_url",
        "unsubscribe_url",
    )  # fmt: skip

    def __init__(
        self, key: bytes, base: str, delivery_id: int, profile_id: int, opens: bool, clicks: bool, at: datetime,
        short: bool = False,
    ) -> None:  # fmt: skip
        self._key = key
        self._base = base
        self._clicks = clicks
        self._ref = ref = _REF.pack(delivery_id, profile_id)
        self.unsubscribe_url = f"{base}/u/{sign(key, 'unsubscribe', ref)}"
        self._delivery_id = delivery_id
        self._profile_id = profile_id
        self._short = short
        self._at = at
        self.open_url = f"{base}/o/{sign(key, 'open', ref)}.gif" if opens else None
        self.first: str | None = None
        """The first link its template asked for, as it is sent."""

    @property
    def preferences_url(self) -> str:
        """The customer's own page; most messages do not name it."""
        return preferences_link(self._key, self._base, self._profile_id, self._at)

    def fixed(self, link_id: int, url: str) -> str:
        """The address a static link is sent with."""
        if self._clicks:
            token = short_token(self._key, self._delivery_id, self._profile_id, link_id) if self._short else None
            url = f"{self._base}/c/{token or sign(self._key, 'click', self._ref + link_id.to_bytes(4, 'big'))}"
        self.first = self.first or url
        return url

    def signed(self, url: str) -> str:
        """The address a personal link is sent with: it carries its target, signed."""
        if not url.startswith(("http://", "https://")):
            return url
        if self._clicks and len(url) <= MAX_URL:
            url = f"{self._base}/l/{sign(self._key, 'link', self._ref + url.encode())}"
        self.first = self.first or url
        return url


class Tracker:
    """Makes and reads every token of this installation. Cheap: make one a process."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._key = secret
        self._base = public_url.rstrip("/")

    def links(
        self,
        delivery_id: int,
        profile_id: int,
        *,
        opens: bool = True,
        clicks: bool = True,
        at: datetime = NEVER,
        short: bool = False,
    ) -> DeliveryLinks:
        """The links of one delivery; ``opens`` and ``clicks`` switch tracking off, never the way to unsubscribe; ``short`` makes
        tracked ones as short as a text message wants them.

        The link to the customer's preferences is good for a year from ``at``; without it, it has expired.
        """
        return DeliveryLinks(self._key, self._base, delivery_id, profile_id, opens, clicks, at, short)

    def return_path(self, delivery_id: int, profile_id: int, domain: str) -> str:
        """The envelope sender bounces come back to (VERP). Lower case only: local parts do not always keep theirs."""
        payload = _REF.pack(delivery_id, profile_id)
        return f"{RETURN_PREFIX}{(self._return_tag(payload) + payload).hex()}@{domain}"

    def hook(self, delivery_id: int, profile_id: int) -> str:
        """The word a provider carries and brings back in its callbacks (`Message.token`): 32 URL-safe characters."""
        return sign(self._key, "hook", _REF.pack(delivery_id, profile_id))

    def read(self, purpose: Purpose, token: str) -> Ref:
        """What a token of this purpose names. Raises `BadSignature`."""
        if purpose == "click" and len(token) == _SHORT:
            return self._read_short(token)
        payload = unsign(self._key, purpose, token)
        try:
            if purpose == "click":
                return Ref(*_REF_LINK.unpack(payload))
            ref = Ref(*_REF.unpack(payload[: _REF.size]))
            if purpose == "link":
                return Ref(ref.delivery_id, ref.profile_id, None, payload[_REF.size :].decode())
            return ref
        except (struct.error, UnicodeDecodeError) as bad:
            raise BadSignature from bad

    def _read_short(self, token: str) -> Ref:
        try:
            raw = base64.b64decode(token, altchars=b"-_", validate=True)
        except ValueError as bad:
            raise BadSignature from bad
        numbers = raw[_SHORT_TAG:]
        if not hmac.compare_digest(raw[:_SHORT_TAG], hmac.digest(self._key, _SHORT_PURPOSE + numbers, "sha256")[:_SHORT_TAG]):
            raise BadSignature
        return Ref(
            int.from_bytes(numbers[:5], "big"), int.from_bytes(numbers[5:9], "big"), int.from_bytes(numbers[9:], "big")
        )

    def read_return_path(self, address: str) -> Ref:
        """The delivery whose return path this is. Raises `BadSignature`."""
        local = address.strip().strip("<>").partition("@")[0].lower()
        if not local.startswith(RETURN_PREFIX):
            raise BadSignature
        try:
            raw = bytes.fromhex(local.removeprefix(RETURN_PREFIX))
        except ValueError as bad:
            raise BadSignature from bad
        tag, payload = raw[:_TAG], raw[_TAG:]
        if len(payload) != _REF.size or not hmac.compare_digest(tag, self._return_tag(payload)):
            raise BadSignature
        return Ref(*_REF.unpack(payload))

    def _return_tag(self, payload: bytes) -> bytes:
        return hashlib.blake2b(_RETURN_PURPOSE + payload, key=self._key[:64], digest_size=_TAG).digest()
