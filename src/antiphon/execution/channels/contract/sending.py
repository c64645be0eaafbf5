"""The suite on `send`, `test` and `close`: what is announced when, and what each receipt may claim."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from antiphon.execution.channels.contract.rig import Fault, Rig, opened
from antiphon.execution.channels.model import Receipt


class Sending(Rig):
    """A batch, its faults, and the end of it."""

    def _skip(self, fault: Fault) -> None:
        if fault in self.lacks:
            pytest.skip(self.lacks[fault])

    @pytest.mark.asyncio
    async def test_each_wire_has_its_receipt_in_order(self) -> None:
        async with opened(self) as (channel, emulator, account):
            numbers = list(range(min(12, channel.manifest.capabilities.max_batch)))
            receipts = await self.speak(channel, account, numbers)
            assert [one.delivery_id for one in receipts] == [1000 + number for number in numbers]
            assert {one.outcome for one in receipts} == {"sent"}, receipts
            taken = {one.address: one.text for one in emulator.taken()}
            assert len(emulator.taken()) == len(numbers) and set(taken) == {self.address(number) for number in numbers}
            for number in numbers:
                assert f"Hello {number}, ça va? 你好" in taken[self.address(number)]

    @pytest.mark.asyncio
    async def test_an_empty_batch_says_nothing(self) -> None:
        async with opened(self) as (channel, emulator, account):
            announced: list[int] = []
            assert await self.speak(channel, account, [], announced) == [] and announced == [] and not emulator.taken()

    @pytest.mark.asyncio
    async def test_a_second_batch_is_like_the_first(self) -> None:
        async with opened(self) as (channel, emulator, account):
            for numbers in ([1, 2], [3], [4, 5, 6]):
                assert {one.outcome for one in await self.speak(channel, account, numbers)} == {"sent"}
            assert len(emulator.taken()) == 6

    @pytest.mark.asyncio
    async def test_speaking_is_announced_before_anything_can_be_taken(self) -> None:
        async with opened(self) as (channel, emulator, account):
            announced: list[int] = []
            wires = [channel.prepare(self.message(number), account) for number in (1, 2, 3)]

            async def on_speaking(ids: Sequence[int]) -> None:
                taken = {one.address for one in emulator.taken()}
                assert not taken & {self.address(one - 1000) for one in ids}, "it was taken before it was announced"
                await asyncio.sleep(0.05)
                announced.extend(ids)

            receipts = await channel.send(account, wires, on_speaking)
            assert {1001, 1002, 1003} <= set(announced) and {one.outcome for one in receipts} == {"sent"}

    @pytest.mark.asyncio
    async def test_nothing_is_said_when_the_announcement_fails(self) -> None:
        class Fenced(Exception):
            pass

        async with opened(self) as (channel, emulator, account):
            wires = [channel.prepare(self.message(number), account) for number in (1, 2)]

            async def on_speaking(_: Sequence[int]) -> None:
                raise Fenced

            with pytest.raises((Fenced, BaseExceptionGroup)) as caught:
                await channel.send(account, wires, on_speaking)
            group = caught.value
            assert isinstance(group, Fenced) or (isinstance(group, BaseExceptionGroup) and group.subgroup(Fenced))
            await asyncio.sleep(0.05)
            assert not emulator.taken()
            assert {one.outcome for one in await self.speak(channel, account, [3])} == {"sent"}, "the next batch must go"

    async def _one_bad(self, fault: Fault) -> tuple[Receipt, Sequence[str], list[int]]:
        self._skip(fault)
        async with opened(self) as (channel, emulator, account):
            await emulator.fault(fault, self.address(2))
            announced: list[int] = []
            receipts = await self.speak(channel, account, [1, 2, 3], announced)
            assert [one.delivery_id for one in receipts] == [1001, 1002, 1003]
            assert receipts[0].outcome == receipts[2].outcome == "sent", "one bad message takes others with it"
            return receipts[1], [one.address for one in emulator.taken()], announced

    @pytest.mark.asyncio
    async def test_what_is_refused_is_rejected_for_good_with_its_code(self) -> None:
        bad, taken, _ = await self._one_bad("reject")
        assert bad.outcome == "rejected" and bad.permanent and bad.code and not bad.account_fault
        assert self.address(2) not in taken

    @pytest.mark.asyncio
    async def test_a_dead_address_is_said_to_be_dead(self) -> None:
        bad, taken, _ = await self._one_bad("gone")
        assert bad.outcome == "rejected" and bad.permanent and bad.address_fault and self.address(2) not in taken

    @pytest.mark.asyncio
    async def test_what_is_put_off_may_be_tried_again(self) -> None:
        bad, taken, _ = await self._one_bad("defer")
        assert bad.outcome == "deferred" and not bad.permanent and not bad.address_fault and self.address(2) not in taken

    @pytest.mark.asyncio
    async def test_how_long_to_wait_is_handed_on(self) -> None:
        bad, _, _ = await self._one_bad("busy")
        assert bad.outcome == "deferred" and bad.retry_after is not None and bad.retry_after >= 1

    @pytest.mark.asyncio
    async def test_taken_without_an_answer_is_unknown(self) -> None:
        self._skip("silent")
        async with opened(self) as (channel, emulator, account):
            await emulator.fault("silent", self.address(2))
            announced: list[int] = []
            receipts = await self.speak(channel, account, [2], announced)
            assert [one.outcome for one in receipts] == ["unknown"] and announced == [1002]

    @pytest.mark.parametrize("fault", ["sign_in", "down"])
    @pytest.mark.asyncio
    async def test_an_account_that_does_not_work_is_at_fault_and_nothing_was_said(self, fault: Fault) -> None:
        self._skip(fault)
        async with opened(self) as (channel, emulator, account):
            await emulator.fault(fault, "")
            receipts = await self.speak(channel, account, [1, 2])
            assert [one.delivery_id for one in receipts] == [1001, 1002]
            assert {(one.outcome, one.account_fault) for one in receipts} == {("deferred", True)} and not emulator.taken()
            trial = await channel.test(account)
            assert not trial.ok and trial.steps and trial.detail

    @pytest.mark.asyncio
    async def test_a_good_account_passes_its_test_without_sending(self) -> None:
        async with opened(self) as (channel, emulator, account):
            trial = await channel.test(account)
            assert trial.ok and trial.steps and not emulator.taken(), trial

    @pytest.mark.asyncio
    async def test_key_and_token_travel_with_the_message(self) -> None:
        async with opened(self) as (channel, emulator, account):
            await self.speak(channel, account, [1])
            await self.speak(channel, account, [1])
            keys = [one.key for one in emulator.taken()]
            if self.keyless:
                pytest.skip(self.keyless)
            assert keys and set(keys) == {keys[0]} and keys[0], "the same message has the same idempotency key, always"
            await self.speak(channel, account, [2])
            assert emulator.taken()[-1].key not in ("", keys[0])

    @pytest.mark.asyncio
    async def test_nothing_is_left_open(self) -> None:
        before = asyncio.all_tasks()
        async with self.emulator() as emulator:
            channel = self.channel()
            await self.speak(channel, self.account(emulator.settings), [1, 2])
            await channel.close()
            await channel.close()
        for _ in range(1200):
            if not {task for task in asyncio.all_tasks() - before if not task.done()}:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"tasks outlive close(): {asyncio.all_tasks() - before}")

    @pytest.mark.asyncio
    async def test_secrets_are_nowhere_to_be_read(
        self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[Any] = []
        async with opened(self) as (channel, emulator, account):
            secrets = {
                value for name in channel.manifest.secrets if isinstance(value := getattr(account.settings, name), str) and value
            }
            wire = channel.prepare(self.message(1), account)
            shown += [account, account.settings, wire.options, wire.sender]
            shown += await self.speak(channel, account, [1])
            shown.append(await channel.test(account))
            if "sign_in" not in self.lacks:
                await emulator.fault("sign_in", "")
                shown += await self.speak(channel, account, [2])
                shown.append(await channel.test(account))
        out, err = capsys.readouterr()
        text = "\n".join([*map(repr, shown), caplog.text, out, err])
        assert not [secret for secret in secrets if secret in text], "a secret can be read"
