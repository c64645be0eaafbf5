"""X-Twilio-Signature (https://www.twilio.com/docs/usage/security#validating-requests): HMAC-SHA1 over the URL and the form's
fields in order of their names, or over a URL that holds the SHA-256 of another body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

HEADER = "x-twilio-signature"


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What Twilio signs a form with. A field that comes several times counts once for each value, in their order."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _spellings(url: str) -> Iterator[str]:
    """The URL as it may have been signed: with and without its port, whatever a proxy made of it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    for netloc in (parts.netloc, host, f"{host}:{443 if parts.scheme == 'https' else 80}"):
        yield urlunsplit(parts._replace(netloc=netloc))


def genuine(token: str, url: str, given: str, fields: Sequence[tuple[str, str]], body: bytes, *, form: bool) -> bool:
    """Whether a request was signed with this token."""
    if not token or not given.isascii():
        return False
    if not form:
        digest = dict(parse_qsl(urlsplit(url).query)).get("bodySHA256", "")
        if not hmac.compare_digest(digest.lower().encode(), hashlib.sha256(body).hexdigest().encode()):
            return False
        fields = ()
    return any(hmac.compare_digest(signature(token, one, fields).encode(), given.encode()) for one in _spellings(url))
