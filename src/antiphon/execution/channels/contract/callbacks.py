"""The suite on `parse_callback`: genuine news is read, anything else is refused or empty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings as trials, strategies as st

from antiphon.execution.channels.contract.rig import Genuine, Rig
from antiphon.execution.channels.errors import CallbackForged, CallbackNeeds
from antiphon.execution.channels.model import Callback, Signal


def _said(signal: Signal) -> dict[str, Any]:
    """The fields that say something."""
    plain = Signal(kind=signal.kind)
    return {name: getattr(signal, name) for name in Signal.__struct_fields__ if getattr(signal, name) != getattr(plain, name)}


def _altered(value: str) -> str:
    """Another text of the same length."""
    middle = len(value) // 2
    return value[:middle] + ("A" if value[middle : middle + 1] != "A" else "B") + value[middle + 1 :]


def _forged(genuine: Genuine) -> Iterator[tuple[str, Callback]]:
    callback = genuine.callback
    if genuine.signs_body:
        yield "altered body", msgspec.structs.replace(callback, body=callback.body + b" ")
    for name in genuine.signed_by:
        without = {key: value for key, value in callback.headers.items() if key != name}
        yield f"without {name}", msgspec.structs.replace(callback, headers=without)
        changed = {**callback.headers, name: _altered(callback.headers[name])}
        yield f"another {name}", msgspec.structs.replace(callback, headers=changed)
    if genuine.dated:
        assert callback.now is not None
        for days in (-2, 2):
            moved = msgspec.structs.replace(callback, now=callback.now + timedelta(days=days))
            yield f"replayed {days} days off", moved
    if genuine.signs_url:
        yield "another address", msgspec.structs.replace(callback, url=callback.url + "x")
    for number, one in enumerate(genuine.forged):
        yield f"forged {number}", one


class Callbacks(Rig):
    """News, forgeries and noise."""

    def test_genuine_news_is_read(self) -> None:
        account = self.account(self.offline())
        for genuine in self.callbacks(account):
            read = self.channel().parse_callback(genuine.callback, account)
            assert [one.kind for one in read] == [one.kind for one in genuine.signals]
            for expected, found in zip(genuine.signals, read, strict=True):
                wanted = _said(expected)
                assert {name: getattr(found, name) for name in wanted} == wanted
            assert self.channel().parse_callback(genuine.callback, account) == read, "reading is pure"

    def test_a_two_way_or_receipted_channel_has_callbacks_or_listens(self) -> None:
        abilities = self.channel().manifest.capabilities
        if abilities.receipts or abilities.two_way:
            assert self.callbacks(self.account(self.offline())) or hasattr(self.channel(), "listen") or self.unsigned

    def test_forged_altered_and_replayed_news_is_refused(self) -> None:
        account = self.account(self.offline())
        every = self.callbacks(account)
        if not every or self.unsigned:
            pytest.skip(self.unsigned or "this provider has no callbacks")
        for genuine in every:
            assert genuine.signed_by or genuine.forged, "say where the signature is, or give forgeries"
            for what, forged in _forged(genuine):
                try:
                    read = self.channel().parse_callback(forged, account)
                except (CallbackForged, CallbackNeeds):
                    continue
                raise AssertionError(f"{what} was believed: {read}")
            if genuine.key:
                other = self.account(self.offline(), **{genuine.key: genuine.other_key})
                with pytest.raises(CallbackForged):
                    self.channel().parse_callback(genuine.callback, other)

    def test_noise_is_refused_or_empty(self) -> None:
        account = self.account(self.offline())
        examples = [genuine.callback for genuine in self.callbacks(account)] or [Callback(body=b"")]
        channel = self.channel()

        @given(body=st.binary(max_size=400) | st.text(max_size=200).map(str.encode), example=st.sampled_from(examples))
        @trials(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
        def reads(body: bytes, example: Callback) -> None:
            for callback in (msgspec.structs.replace(example, body=body), Callback(body=body, now=example.now, url=example.url)):
                try:
                    read = channel.parse_callback(callback, account)
                except (CallbackForged, CallbackNeeds):
                    continue
                assert all(isinstance(signal, Signal) for signal in read)

        reads()
