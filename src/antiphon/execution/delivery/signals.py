"""From what a provider tells to what is heard: signals are brought into business time, their tokens read, their addresses spelled
as identities are. Pure but for the counting of forged tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from antiphon.awareness.consent import ChannelRegistry, Evidence
from antiphon.awareness.profiles import normal_identity
from antiphon.execution.channels import Signal
from antiphon.execution.delivery.heard import OF_PEOPLE, Heard
from antiphon.execution.delivery.hearing import count_forged
from antiphon.execution.delivery.tracking import Ref, Tracker
from antiphon.foundation.ids import BadSignature

BELIEVED = timedelta(days=7)  # a provider's time further off than this is not taken for business time
MOST_TEXT = 100_000
SPOKEN = OF_PEOPLE | {"complained"}
_NONE = Evidence()


def heard_of(
    tracker: Tracker, kinds: ChannelRegistry, channel: str, account_id: int, signals: Sequence[Signal], now: datetime
) -> list[Heard]:
    """What these signals of an account say (0 for none); those that only confirm something are left out."""
    return [_heard(tracker, kinds, channel, account_id, signal, now) for signal in signals if signal.kind != "confirm"]


def _heard(tracker: Tracker, kinds: ChannelRegistry, channel: str, account_id: int, signal: Signal, now: datetime) -> Heard:
    assert signal.kind != "confirm"
    ref = read_token(tracker, signal.token) if signal.token else None
    text, address, evidence = "", None, _NONE
    if signal.kind in SPOKEN:  # the rest comes by the thousand and needs none of it
        text = signal.text[:MOST_TEXT]
        address = _address(kinds, channel, signal.address)
        evidence = Evidence(text=text[:1000], address=address or "", user_agent=signal.agent[:400])
    return Heard(
        kind=signal.kind,
        at=_when(signal.at, now),
        delivery_id=ref.delivery_id if ref is not None else None,
        profile_id=ref.profile_id if ref is not None else None,
        account_id=account_id,
        provider_id=signal.provider_id,
        channel=channel,
        url=signal.url,
        everything=bool(text),
        evidence=evidence,
        permanent=signal.permanent,
        detail=" ".join(part for part in (signal.code, signal.detail) if part)[:1000],
        address=address,
        recipient=signal.recipient[:200],
        text=text,
        id=signal.id,
        agent=signal.agent or None,
        ip=signal.ip or None,
    )


def read_token(tracker: Tracker, token: str) -> Ref | None:
    """The delivery a token names that came back: a callback's own, or a return path. None, and counted, if it is not ours."""
    try:
        return tracker.read("hook", token)
    except BadSignature:
        pass
    try:
        return tracker.read_return_path(token)
    except BadSignature:
        count_forged("hook")
        return None


def _when(told: datetime | None, now: datetime) -> datetime:
    return told if told is not None and now - BELIEVED <= told <= now else now


def _address(kinds: ChannelRegistry, channel: str, address: str | None) -> str | None:
    if not address:
        return None
    found = normal_identity(kinds[channel].identity, address) if channel in kinds else None
    return found.value if found is not None else address.strip()[:400]
