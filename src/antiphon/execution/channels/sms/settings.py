"""What accounts of both SMS providers share: how texts are fitted, and the words customers answer with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from antiphon.execution.channels.model import AccountSettings
from antiphon.execution.channels.sms.keywords import HELP_WORDS, START_WORDS, STOP_WORDS, Keywords

Words = Annotated[str, Meta(max_length=2000)]


def about(title: str, description: str = "") -> Meta:
    """A field's label and explanation in the console's form."""
    return Meta(title=title, description=description or None)


class TextSettings(AccountSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How texts are said and answers understood."""

    transliterate: Annotated[
        bool,
        about("Write in Latin letters", "Cyrillic and accented letters become plain ones where that makes a message shorter."),
    ] = False
    most_parts: Annotated[int, about("Parts at most", "Longer messages are not sent."), Meta(ge=1, le=255)] = 10
    stop_words: Annotated[Words, about("Words that unsubscribe", "Separated by commas; a message that is only one of them.")] = (
        STOP_WORDS
    )
    start_words: Annotated[Words, about("Words that subscribe again")] = START_WORDS
    help_words: Annotated[Words, about("Words that ask for help")] = HELP_WORDS
    help_answer: Annotated[
        str, about("Answer to a call for help", "Who writes, and how to stop it. Empty: no answer."), Meta(max_length=1000)
    ] = ""

    @property
    def keywords(self) -> Keywords:
        """The words, ready to compare."""
        return Keywords(self.stop_words, self.start_words, self.help_words)
