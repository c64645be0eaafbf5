"""The suite on settings: changing any one of them changes what the other side sees."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.execution.channels.contract.rig import Emulator, Probe, Rig
from antiphon.execution.channels.model import Account


class EachSetting(Rig):
    """No setting is for show."""

    async def observe(self, emulator: Emulator, account: Account) -> Any:
        """What the emulator saw of a test and of one message, and what was said of it."""
        channel = self.channel()
        try:
            trial = await channel.test(account)
            receipts = await self.speak(channel, account, [1])
        finally:
            await channel.close()
        return emulator.sees(), trial.ok, [(one.outcome, one.account_fault) for one in receipts]

    @pytest.mark.asyncio
    async def test_changing_any_one_setting_changes_what_the_other_side_sees(self) -> None:
        alike = []
        for name, probe in self.probes.items():
            one = probe if isinstance(probe, Probe) else Probe(value=probe)
            looks = []
            for change in ({}, {name: one.value}):
                async with self.emulator() as emulator:
                    account = self.account(emulator.settings, **{**one.along, **change})
                    looks.append(await (one.observe(self, emulator, account) if one.observe else self.observe(emulator, account)))
            if looks[0] == looks[1]:
                alike.append(name)
        assert alike == [], "settings that change nothing"

    @pytest.mark.asyncio
    async def test_the_same_settings_look_the_same(self) -> None:
        looks = []
        for _ in range(2):
            async with self.emulator() as emulator:
                looks.append(await self.observe(emulator, self.account(emulator.settings)))
        assert looks[0] == looks[1], "the emulator sees differences that are none: settings' probes would prove nothing"
