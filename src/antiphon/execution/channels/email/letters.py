"""Mail that people write: whether a person wrote it at all (RFC 3834), and what. Everything in it is a stranger's."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email.header import decode_header
from email.message import Message as Mail
from email.utils import parseaddr
from hashlib import blake2b

from charset_normalizer import from_bytes

from antiphon.execution.channels.email.markup import text_of_html
from antiphon.execution.channels.email.quotes import own_words
from antiphon.execution.channels.model import Signal

MOST_TEXT = 20_000  # characters of an answer
_LOOKED_AT = 20  # parts that may hold it
ROLES = frozenset({"abuse", "fbl", "complaints", "bounces", "postmaster", "mailer-daemon"})
_MACHINES = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|noreply.*|.*-bounces?)@", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_MARKS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-loop", "list-id",
    "list-unsubscribe",
)  # fmt: skip
_AWAY = re.compile(
    r"^(?:automatic(?:ally)? (?:reply|response|generated)|auto(?:matic)?[ -]?(?:reply|response|answer)|out of (?:the )?office"
    r"|ooo\b|away from|автоответ|автоматический ответ|автоматична відповідь|вне офиса|отсутствую|нет на месте|я в отпуске"
    r"|自动回复|自动答复|自動回覆|自動返信|不在|automatische antwort|abwesenheit|abwesend|réponse automatique|absence du bureau"
    r"|respuesta automática|fuera de la oficina|risposta automatica|fuori ufficio|resposta automática|automatyczna odpowiedź"
    r"|odpowiedź automatyczna)",
    re.IGNORECASE,
)
_STOP = frozenset([
    "stop", "unsubscribe", "unsubscribe me", "remove me", "отписаться", "отписаться от рассылки", "отписка", "отпишите", "стоп",
    "退订", "取消订阅", "退訂", "abmelden", "abbestellen", "désabonner", "désinscrire", "darse de baja", "cancelar suscripción",
    "disiscrivimi", "wypisz",
])  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
_UNSAFE = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "unicode-escape"})
_OTHER_NAMES = {"gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949", "unicode-1-1-utf-7": "utf-7", "x-sjis": "cp932"}


def is_automatic(mail: Mail) -> bool:
    """Whether a program wrote it: an out-of-office answer, a list, a daemon."""
    submitted = _field(mail, "auto-submitted").lower()
    if submitted and not submitted.startswith("no"):
        return True
    if any(mail.get(name) is not None for name in _MARKS) or _field(mail, "precedence").lower() in _BULK:
        return True
    if _field(mail, "return-path") == "<>" or _MACHINES.match(sender(mail)):
        return True
    return bool(_AWAY.match(words(_field(mail, "subject")).removeprefix("Re:").strip()))


def read_letter(mail: Mail, recipient: str | None, token: str | None) -> Iterator[Signal]:
    """A customer's own words to us: an answer, or the wish to hear no more. Nothing if it is a program's, or to a role."""
    address = sender(mail)
    local = (recipient or "").partition("@")[0].lower()
    if not address or is_automatic(mail) or (local in ROLES and token is None):
        return
    text = own_words(visible_text(mail))[:MOST_TEXT].strip()
    subject = words(_field(mail, "subject"))
    asked = {text.strip(" .!。！").casefold(), "" if text else subject.strip(" .!。！").casefold()}
    number = _field(mail, "message-id")
    if not number:
        number = blake2b(f"{address}{subject}{text}".encode("utf-8", "replace"), digest_size=12).hexdigest()
    yield Signal(
        kind="unsubscribed" if asked & _STOP else "replied",
        token=token,
        address=address,
        recipient=recipient or parseaddr(_field(mail, "to"))[1],
        text=text or subject,
        detail=subject[:300],
        id=f"mail:{number}"[:300],
    )


def sender(mail: Mail) -> str:
    """The address in From; empty if there is none that could be one."""
    address = parseaddr(words(_field(mail, "from")))[1]
    return address if "@" in address and len(address) <= 254 and not re.search(r"[\s<>]", address) else ""


def visible_text(mail: Mail) -> str:
    """The text a reader would see: its plain part, or its HTML without markup and quotes."""
    plain, html, looked = "", "", 0
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart() or _field(part, "content-disposition").lower().startswith("attachment"):
            continue
        looked += 1
        if looked > _LOOKED_AT:
            break
        if kind == "text/plain" and not plain.strip():
            plain = decoded(part)
        elif kind == "text/html" and not html:
            html = decoded(part)
    return plain if plain.strip() else text_of_html(html)


def decoded(part: Mail) -> str:
    """A part's text by its charset if that is right, else by whatever reads it. Never raises."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AssertionError):
        payload = None
    raw = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "surrogateescape")
    given = part.get_param("charset")
    charset = given if isinstance(given, str) else "us-ascii"
    return _CONTROL.sub(" ", decode(raw, charset))


def decode(raw: bytes, charset: str) -> str:
    """Octets as text: by the charset that was named, by UTF-8, by the likeliest; at last with marks for the unreadable."""
    for name in (_OTHER_NAMES.get(charset.lower(), charset), "utf-8"):
        try:
            if codecs.lookup(name).name not in _UNSAFE:
                return raw.decode(name)
        except (LookupError, ValueError):
            continue
    likeliest = from_bytes(raw[:20_000]).best()
    try:
        return raw.decode(likeliest.encoding if likeliest is not None else "latin-1", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def words(text: str) -> str:
    """A header with its encoded words read, on one line. Never raises."""
    try:
        parts = decode_header(text)
    except (ValueError, LookupError, AssertionError):  # binascii.Error is a ValueError
        return text
    read = [part if isinstance(part, str) else decode(part, charset or "us-ascii") for part, charset in parts]
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", "".join(read)).strip()


def _field(part: Mail, name: str) -> str:
    value = part.get(name)
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(value)).strip()[:2000] if value is not None else ""
