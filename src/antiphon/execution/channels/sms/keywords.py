"""Words by which customers switch messages off and on or ask for help, in many languages; each account may have its own.

A message is such a word only as a whole: its case, its blanks and the punctuation around it do not matter, "stop it" is a
reply like any other.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Literal

import msgspec

from antiphon.execution.channels.model import Signal, SignalKind

Word = Literal["stop", "start", "help"]

STOP_WORDS = (
    "STOP, STOPALL, STOP ALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT, OPT OUT, STOPP, ABMELDEN, ARRET, DESABO, BAJA, "
    "PARAR, SAIR, DISISCRIVI, WYPISZ, СТОП, ОТПИСАТЬСЯ, ОТПИСКА, ОТПИШИТЕСЬ, ОТПИШИТЕ, ОТКАЗ, ВІДПИСАТИСЯ, TD, T, TT, QX, 退订, "
    "退訂, 取消, 取消订阅, 取消訂閱, 停止, 配信停止, 수신거부"
)
START_WORDS = (
    "START, UNSTOP, SUBSCRIBE, OPTIN, OPT IN, ANMELDEN, ALTA, INSCRIRE, ISCRIVI, ZAPISZ, СТАРТ, ПОДПИСАТЬСЯ, ПОДПИСКА, "
    "ПІДПИСАТИСЯ, DY, 订阅, 訂閱, 恢复订阅, 开始, 開始, 再開"
)
HELP_WORDS = (
    "HELP, INFO, HILFE, AIDE, AYUDA, AJUDA, AIUTO, POMOC, ПОМОЩЬ, ПОМОГИТЕ, СПРАВКА, ИНФО, ДОПОМОГА, 帮助, 幫助, ヘルプ, 도움말"
)

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_BLANKS = re.compile(r"\s+")
_ACCENTS = re.compile("[\u0300-\u036f]")  # arrêt is arret; ё is е
_MEANS: dict[Word | None, SignalKind] = {"stop": "unsubscribed", "start": "subscribed"}
LONGEST = 40  # characters; whatever is longer is no word


class Keywords(msgspec.Struct, frozen=True):
    """An account's words, separated by commas."""

    stop: str = STOP_WORDS
    start: str = START_WORDS
    help: str = HELP_WORDS


def folded(text: str) -> str:
    """A message as it is compared: case, width, accents, blanks and what stands around it set aside."""
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text))).casefold()
    return _BLANKS.sub(" ", _AROUND.sub("", plain))


@lru_cache(maxsize=64)
def _meanings(words: Keywords) -> dict[str, Word]:
    # Where lists overlap, stopping wins: who might have meant it is not written to.
    lists: tuple[tuple[Word, str], ...] = (("help", words.help), ("start", words.start), ("stop", words.stop))
    return {key: word for word, given in lists for one in re.split(r"[,\n，、]", given) if (key := folded(one))}


def keyword(text: str, words: Keywords) -> Word | None:
    """What a whole message means, if it is one of the words."""
    if len(text) > LONGEST * 4:
        return None
    key = folded(text)
    return _meanings(words).get(key) if len(key) <= LONGEST else None


def said(
    text: str,
    words: Keywords,
    *,
    sender: str,
    recipient: str,
    id: str = "",
    at: datetime | None = None,
    token: str | None = None,
    word: Word | None = None,
) -> Signal:
    """The news that a customer wrote: a reply, or one of the words, named in ``code``. ``word``: the gateway knows it already."""
    meant = word or keyword(text, words)
    return Signal(
        kind=_MEANS.get(meant, "replied"), code=meant or "", text=text, address=sender, recipient=recipient, id=id, at=at,
        token=token,
    )  # fmt: skip
