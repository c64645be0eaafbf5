"""A message on its way through the desk: what was asked, how it is said, to whom, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from antiphon.execution.campaigns.messages import Accepted, MessageBody
from antiphon.execution.delivery import Dispatch, NewDispatch
from antiphon.foundation.errors import AntiphonError


class Asked(NamedTuple):
    """A message and who asked, `owner` being the API key or person."""

    owner: str
    body: MessageBody
    key: str | None


class Way(NamedTuple):
    """How a message is said: what messages alike share."""

    new: NewDispatch
    channel: str


class OneMessage:
    """A message on its way through the desk."""

    __slots__ = ("answer", "asked", "digest", "dispatch", "key", "profile_id", "request_id", "suffix", "way")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: Accepted | AntiphonError | None = None
        self.way: Way | None = None
        self.dispatch: Dispatch | None = None
        self.profile_id = 0
        self.key = b""
        self.digest = b""
        self.request_id: int | None = None
        self.suffix = ""


def facts_of_way(one: OneMessage) -> Mapping[str, object]:
    way = one.way.new if one.way is not None else None
    return {"channel": way.channel if way else "", "topic": way.topic if way else "", "identity": "address"}
