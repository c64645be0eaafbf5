"""What a customer wrote themselves in a reply: without what their mail program quoted or added below. Line by line, each looked
at once, so that no text takes long; in the languages mail programs speak.
"""

from __future__ import annotations

import re

MOST = 4_000  # lines looked at
LONG = 300  # characters; a longer line is nobody's program
_NOISE = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f")
_MARKS = (">", "＞", "|")
# The end of "On 1 June 2026, Ann <ann@x> wrote:", as programs of many languages say it, and words in the middle of it.
_WROTE = (
    "wrote", "schrieb", "a écrit", "escribió", "ha scritto", "escreveu", "schreef", "napisał", "napisała", "napisał(a)", "pisze",
    "пишет", "писал", "писала", "писал(а)", "написал", "написала", "написал(а)", "пише", "написав", "写道", "写到", "寫道",
    "のメール", "のメッセージ",
)  # fmt: skip
_WROTE_INSIDE = (" schrieb ", " schreef ", " wrote ", " пишет ", " написал ")
_ADDRESS = re.compile(r"<[^<>\s]{1,250}>")
_ORIGINAL = (
    "original message", "forwarded message", "исходное сообщение", "пересылаемое сообщение", "пересланное сообщение",
    "оригинальное сообщение", "вихідне повідомлення", "原始邮件", "原邮件", "转发邮件", "邮件原件", "原始郵件",
    "ursprüngliche nachricht", "weitergeleitete nachricht", "message d'origine", "message transféré", "mensaje original",
    "mensaje reenviado", "messaggio originale", "mensagem original", "original",
)  # fmt: skip
_FROM = frozenset(
    ["from", "от", "отправитель", "від", "von", "de", "da", "od", "发件人", "寄件者", "寄件人", "差出人"],
)  # fmt: skip
_FIELDS = frozenset([
    "sent", "date", "to", "cc", "subject", "reply-to", "отправлено", "дата", "кому", "копия", "тема", "надіслано",
    "gesendet", "datum", "an", "betreff", "envoyé", "à", "objet", "enviado", "fecha", "para", "asunto", "inviato", "oggetto",
    "wysłano", "do", "temat", "发送时间", "发送日期", "日期", "时间", "收件人", "抄送", "主题", "寄件日期", "收件者", "主旨",
])  # fmt: skip
_SENT_FROM = re.compile(
    r"^(?:sent from (?:my|mail|outlook|yahoo|samsung)|get outlook for|sent via|отправлено (?:с|из|от|через)\b|надіслано з"
    r"|von meinem .{2,40} gesendet|gesendet (?:mit|von|aus)|envoyé (?:de|depuis|à partir)|enviado (?:desde|do)|inviato da"
    r"|发自我的|从我的.{1,30}发送|發自我的|来自.{0,20}(?:手机|邮箱)|获取 ?outlook|wysłane z)",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """A reply without what it quotes, the lines that introduce the quote, and its signature. Empty if nothing is left."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_NOISE).replace("\xa0", " ").split("\n")[:MOST]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if line.startswith(_MARKS):
            at += 1
            continue
        if line in ("--", "—"):
            break  # RFC 3676, 4.3: a signature
        introduced = _introduction(lines, at)
        if introduced:
            following = next((one.strip() for one in lines[at + introduced : at + introduced + 20] if one.strip()), "")
            if not following.startswith(_MARKS):
                break  # the rest is the quote, without marks
            at += introduced
            continue
        if _begins_original(lines, at, line):
            break
        kept.append(lines[at].rstrip())
        at += 1
    while kept and _is_trailer(kept[-1].strip()):
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return "\n".join(kept)


def _is_trailer(line: str) -> bool:
    return not line or not line.strip("_-=* ") or bool(len(line) <= LONG and _SENT_FROM.match(line))


def _introduction(lines: list[str], at: int) -> int:
    """How many lines, from this one, say who wrote what follows; 0 if they do not. Programs wrap long ones."""
    line = ""
    for count, given in enumerate(lines[at : at + 3], start=1):
        more = given.strip()
        if not more or len(more) > LONG:
            return 0
        line = f"{line} {more}" if line else more
        if line[-1] in ":：" and _introduces(line):
            return count
    return 0


def _introduces(line: str) -> bool:
    """Whether a line that ends in a colon names a time and who wrote: by its verb, or, in any language, by an address in
    brackets near its end (Gmail in Russian, Yandex)."""
    if not any(char.isdigit() for char in line):
        return False
    low = line.rstrip(":： ").lower()
    if low.endswith(_WROTE) or any(verb in low for verb in _WROTE_INSIDE):
        return True
    named = list(_ADDRESS.finditer(line))
    return bool(named) and "@" in named[-1][0] and len(line) - named[-1].end() <= 60


def _begins_original(lines: list[str], at: int, line: str) -> bool:
    """Whether a copy of the message answered begins here: a dashed title, or its header block."""
    if len(line) > LONG:
        return False
    title = line.strip("-_=* ")
    if len(line) - len(title) >= 4 and line[0] in "-_=*" and title.casefold() in _ORIGINAL:
        return True
    if _name(line) not in _FROM:
        return False
    following = [one.strip() for one in lines[at + 1 : at + 6] if one.strip()]
    return sum(_name(one[:LONG]) in _FIELDS for one in following) >= 2


def _name(line: str) -> str:
    """The name of a header-like line, without what marks it: ``*From:*``."""
    name, colon, _ = line.replace("：", ":").partition(":")
    return name.strip("* ").casefold() if colon else ""
