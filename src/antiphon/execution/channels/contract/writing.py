"""The suite on the manifest, on `prepare`, and on what must never be shown."""

from __future__ import annotations

import re
import time
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings as trials, strategies as st

from antiphon.execution.channels.contract.rig import Rig
from antiphon.execution.channels.errors import LinkMissing, TextTooLong
from antiphon.execution.channels.model import Channel, Rendered
from antiphon.foundation.errors import AntiphonError

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
FORM = {"string", "integer", "number", "boolean", "array", "object"}


class Writing(Rig):
    """A manifest that says everything, and messages wrapped the same way each time."""

    def test_the_object_has_the_shape_of_a_channel(self) -> None:
        assert isinstance(self.channel(), Channel)

    def test_the_manifest_says_everything(self) -> None:
        manifest = self.channel().manifest
        assert NAME.match(manifest.name) and NAME.match(manifest.channel), "names are lower case, without blanks"
        assert manifest.title.strip() and manifest.channel_title.strip() and NAME.match(manifest.identity)
        abilities = manifest.capabilities
        assert 1 <= abilities.max_batch <= 50, "more than 50 at once is more than a crash may leave unknown"
        assert abilities.cost_micros >= 0 and (abilities.max_length is None or abilities.max_length > 0)

    def test_the_settings_make_a_form(self) -> None:
        manifest = self.channel().manifest
        (schema,), parts = msgspec.json.schema_components([manifest.settings], ref_template="#/$defs/{name}")
        fields = parts[schema["$ref"].rpartition("/")[2]]["properties"]
        assert manifest.settings.__struct_config__.forbid_unknown_fields, "a misspelt setting must be refused"
        assert manifest.settings.__struct_config__.frozen
        for name, field in fields.items():
            assert field.get("title"), f"the setting {name} has no title"
            assert field.get("type") in FORM or {"$ref", "anyOf", "enum"} & set(field), f"the form cannot show the setting {name}"
        assert manifest.secrets <= set(fields), "a secret that is no setting"
        assert all(fields[name].get("type") == "string" for name in manifest.secrets), "secrets are texts"

    def test_every_setting_is_probed_or_exempt(self) -> None:
        every = set(self.channel().manifest.settings.__struct_fields__)
        assert set(self.probes) | set(self.exempt) == every
        assert not set(self.probes) & set(self.exempt) and all(len(why) > 10 for why in self.exempt.values())

    def test_prepare_is_pure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account = self.account(self.offline())
        first, again = self.channel(), self.channel()
        message = self.message(3)
        wire = first.prepare(message, account)

        def no_network(*_: Any, **__: Any) -> Any:
            raise AssertionError("prepare reaches for the network")

        monkeypatch.setattr("socket.socket.connect", no_network)
        monkeypatch.setattr("socket.getaddrinfo", no_network)
        time.sleep(1.01)  # a clock or a generator in it would show
        for number in (0, 5):  # what was written before must not matter
            again.prepare(self.message(number), account)
        assert again.prepare(message, account) == wire == first.prepare(message, account)
        assert wire.delivery_id == message.delivery_id and wire.parts >= 1

    def test_prepare_carries_any_text_or_says_why_not(self) -> None:
        account, channel = self.account(self.offline()), self.channel()

        @given(subject=st.text(max_size=80), text=st.text(max_size=300), address=st.text(max_size=60) | st.just(self.address(1)))
        @trials(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        def carries(subject: str, text: str, address: str) -> None:
            content = Rendered(subject=subject, html=f"<p>{text}</p>", text=text)
            try:
                channel.prepare(self.message(address=address, content=content), account)
            except AntiphonError as refused:
                assert refused.permanent, "what cannot be wrapped now never can"

        carries()

    def test_a_text_that_is_too_long_is_not_cut_silently(self) -> None:
        most = self.channel().manifest.capabilities.max_length
        if most is None:
            pytest.skip("this provider has no limit of length")
        account, channel = self.account(self.offline()), self.channel()
        assert channel.prepare(self.message(text="a" * min(most, 100)), account).parts == 1
        with pytest.raises(TextTooLong):
            channel.prepare(self.message(text="a" * (most + 1)), account)
        try:
            assert channel.prepare(self.message(text="a" * (most + 1), split=True), account).parts > 1
        except TextTooLong:
            pass  # a channel without parts

    def test_a_message_without_a_link_is_refused_where_one_is_needed(self) -> None:
        if not self.channel().manifest.capabilities.needs_link:
            pytest.skip("messages here need no link")
        with pytest.raises(LinkMissing):
            self.channel().prepare(self.message(link=None), self.account(self.offline()))
