"""The rules as the gate reads them, and what may be set. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from antiphon.decisioning.experiments import Holdout
from antiphon.execution.delivery.gate.quiet import Hours, Window
from antiphon.execution.delivery.model import CLASSES, Dispatch, MessageClassName
from antiphon.foundation.errors import Conflict, Invalid, NotFound
from antiphon.foundation.http import Body

SuitabilityVerdict = Literal["default", "allowed", "reserve", "refused"]
CAPPED: tuple[MessageClassName, ...] = ("transactional", "service", "marketing")
"""Classes that caps may count, and that leave contacts."""
QUIET: tuple[MessageClassName, ...] = ("transactional", "service", "marketing")
"""Classes that quiet hours and send windows may be set for. What customers ask for themselves holds for the last two."""
OWN_FREQUENCY: Mapping[str, timedelta] = {
    "daily": timedelta(days=1), "weekly": timedelta(days=7), "monthly": timedelta(days=30),
}  # fmt: skip


class CapUnknown(NotFound):
    """There is no frequency cap {cap}."""

    code = "cap-unknown"


class CapExists(Conflict):
    """There already is a frequency cap named {name}."""

    code = "cap-exists"


class PurposeUnknown(Invalid):
    """There is no purpose named {purpose}."""

    code = "purpose-unknown"


class PurposeExists(Conflict):
    """There already is a purpose named {name}."""

    code = "purpose-exists"


class RuleInvalid(Invalid):
    """This rule makes no sense."""

    code = "delivery-rule-invalid"


Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="A time of day as 22:00")]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]


class ClockHours(Body, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """From one time of day until another, by the customer's clock; past midnight when the first is later."""

    since: Clock
    until: Clock


class ClockWindow(Body, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """On these days of the week (1 is Monday), from one time of day until another; 00:00 is midnight at the end."""

    days: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1, max_length=7)]
    since: Clock
    until: Clock


class Clocks(Body, frozen=True, kw_only=True):
    """By message class: when nothing is said (``quiet``), and when alone something is (``windows``), where the customer is.
    ``timezone`` is the clock of customers whose own is not known."""

    timezone: Annotated[str, msgspec.Meta(max_length=60)]
    quiet: dict[MessageClassName, ClockHours] = {}
    windows: dict[MessageClassName, Annotated[tuple[ClockWindow, ...], msgspec.Meta(max_length=20)]] = {}


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """At most ``most`` messages in any stretch of ``seconds``, of these classes, topics and channels together (empty: all)."""

    id: int
    name: str
    most: int
    seconds: int
    classes: tuple[MessageClassName, ...]
    topics: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    enabled: bool = True
    created_at: datetime
    updated_at: datetime

    def counts(self, kind: Kind) -> bool:
        """Whether a message of this kind is one of those it counts."""
        return (
            kind.message_class in self.classes
            and (not self.topics or kind.topic in self.topics)
            and (not self.channels or kind.channel in self.channels)
        )


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What caps tell messages apart by. ``urgency``: class, then priority within it; lower first."""

    id: int
    message_class: MessageClassName
    channel: str
    topic: str | None
    urgency: int

    @property
    def marks(self) -> tuple[str, str, str | None, int]:
        """What makes it this kind."""
        return self.message_class, self.channel, self.topic, self.urgency


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is for, and how channels suit it. ``renamed``: its title is people's own, not the house's in each language.
    One that is archived is offered to nobody any more."""

    name: str
    title: str
    rank: int
    renamed: bool = False
    archived_at: datetime | None = None


class Suitability(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel suits a purpose; defaults are taken in the order of ``rank``."""

    purpose: str
    channel: str
    verdict: SuitabilityVerdict
    rank: int = 0


class Rules(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All rules as they stood at one moment."""

    version: int
    zone: ZoneInfo
    quiet: Mapping[str, Hours]
    windows: Mapping[str, tuple[Window, ...]]
    caps: tuple[Cap, ...]
    suitability: tuple[Suitability, ...]
    kinds: tuple[Kind, ...]
    universal: Holdout | None = None

    @cached_property
    def _table(self) -> dict[tuple[str, str], SuitabilityVerdict]:
        return {(s.purpose, s.channel): s.verdict for s in self.suitability}

    @cached_property
    def _marketing(self) -> tuple[int, ...]:
        return tuple(k.id for k in self.kinds if k.message_class == "marketing")

    def kind_of(self, dispatch: Dispatch) -> Kind | None:
        """The kind of a dispatch's messages, once there is one."""
        mine = kind_like(dispatch).marks
        return next((kind for kind in self.kinds if kind.marks == mine), None)

    def caps_of(self, kind: Kind) -> list[Cap]:
        """The caps a message of this kind falls under."""
        return [cap for cap in self.caps if cap.enabled and cap.counts(kind)]

    def counted_by(self, cap: Cap) -> list[int]:
        """Ids of the kinds a cap counts."""
        return [kind.id for kind in self.kinds if cap.counts(kind)]

    @property
    def marketing(self) -> Sequence[int]:
        """Ids of the kinds that count against a customer's own stated frequency."""
        return self._marketing

    def suits(self, dispatch: Dispatch) -> bool:
        """Whether a dispatch's channel suits what it is for. A reserve suits only as one of several."""
        verdict = self._table.get((purpose_of(dispatch), dispatch.channel), "allowed")
        if verdict == "reserve":
            return dispatch.hop > 0 or any(hop.channel != dispatch.channel for hop in dispatch.hops)
        return verdict != "refused"

    def default_channels(self, purpose: str) -> list[str]:
        """The channels a message of this purpose takes when nobody says otherwise, the first one first."""
        rows = [s for s in self.suitability if s.purpose == purpose and s.verdict == "default"]
        return [s.channel for s in sorted(rows, key=lambda s: (s.rank, s.channel))]


def purpose_of(dispatch: Dispatch) -> str:
    """What a dispatch is for: what its author said; a code is a code."""
    if dispatch.message_class in ("staff", "test"):
        return ""
    return dispatch.purpose or ("one_time_code" if dispatch.message_class == "one_time_code" else "")


def kind_like(dispatch: Dispatch) -> Kind:
    """The kind of a dispatch's messages, whether there is one yet or not."""
    return Kind(
        id=0, message_class=dispatch.message_class, channel=dispatch.channel, topic=dispatch.topic, urgency=urgency(dispatch)
    )


def urgency(dispatch: Dispatch) -> int:
    """How urgent its messages are: the class's priority, then the dispatch's; lower first."""
    return CLASSES[dispatch.message_class].priority * 10 + dispatch.priority


def zone_named(name: str, field: str) -> ZoneInfo:
    """A time zone. Raises RuleInvalid."""
    if name not in available_timezones() or name == "localtime":
        raise RuleInvalid("Expected the name of a time zone as Europe/Berlin", field=field)
    return ZoneInfo(name)
