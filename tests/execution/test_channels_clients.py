"""Clients that batches share: room for so many at once, and changes of settings that cut nothing off."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from tests.execution.http_emulator import Asked, Said, http_server
from tests.execution.sms import message

from antiphon.execution.channels import Account
from antiphon.execution.channels.clients import Clients, plain
from antiphon.execution.channels.webhook import WebhookChannel, WebhookSettings
from antiphon.foundation.outbound import Outbound


class Settings(msgspec.Struct, frozen=True):
    timeout: float = 5.0
    connections: int = 2


class Watched:
    """Makes clients, and knows which are closed."""

    def __init__(self) -> None:
        self.made: list[Outbound] = []
        self.closed: list[Outbound] = []

    def __call__(self, settings: Settings) -> Outbound:
        client = plain(settings)
        close = client.close

        async def closing() -> None:
            self.closed.append(client)
            await close()

        client.close = closing  # type: ignore[method-assign]
        self.made.append(client)
        return client


def account(version: int = 1, number: int = 1) -> Account:
    return Account(id=number, channel="x", provider="x", name="x", settings=Settings(), version=version)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_batches_share_a_client_and_its_places() -> None:
    watched, inside, most = Watched(), 0, 0
    clients = Clients(watched)

    async def one() -> None:
        nonlocal inside, most
        async with clients.place(account()):
            inside += 1
            most = max(most, inside)
            await turns()
            inside -= 1

    await asyncio.gather(*(one() for _ in range(7)))
    async with clients.place(account(number=2)):
        pass
    assert most == 2 and len(watched.made) == 2 and watched.closed == []
    await clients.close()
    assert Counter(watched.closed) == Counter(watched.made)


async def test_a_client_is_retired_behind_everybody_who_waits_for_it() -> None:
    watched, done = Watched(), asyncio.Event()
    clients = Clients(watched)
    served: list[tuple[int, bool]] = []

    async def one(version: int, until: asyncio.Event | None = None) -> None:
        async with clients.place(account(version)) as client:
            if until is not None:
                await until.wait()
            served.append((watched.made.index(client), client in watched.closed))

    first = [asyncio.create_task(one(1, done)) for _ in range(5)]
    await turns()
    await one(2)
    await one(1)  # a batch that has not heard of the change yet
    await turns()
    assert watched.closed == [] and served == [(1, False), (1, False)]
    done.set()
    await asyncio.gather(*first)
    assert served[2:] == [(0, False)] * 5
    await turns()
    assert watched.closed == watched.made[:1]
    await clients.close()
    assert watched.closed == watched.made


async def test_closing_waits_for_what_is_on_its_way() -> None:
    watched, done = Watched(), asyncio.Event()
    clients = Clients(watched)

    async def one() -> bool:
        async with clients.place(account()) as client:
            await done.wait()
            return client in watched.closed

    task = asyncio.create_task(one())
    await turns()
    closing = asyncio.create_task(clients.close())
    await turns()
    assert not closing.done()
    done.set()
    assert await task is False
    await closing
    assert watched.closed == watched.made


@pytest.mark.parametrize("changes", [1, 3])
async def test_a_request_on_its_way_outlives_changes_of_its_account(changes: int) -> None:
    """Against a real server: each is answered, over the connection it was asked on."""
    held = asyncio.Event()

    async def answering(asked: Asked) -> Said:
        if asked.path == "/slow":
            await held.wait()
        return Said(body=b'{"id": "m"}')

    async def speaking(ids: Sequence[int]) -> None: ...

    async with http_server(answering) as server:
        channel = WebhookChannel()

        def of(version: int, path: str) -> Account:
            settings = WebhookSettings(
                url=f"http://127.0.0.1:{server.port}{path}", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", connections=2
            )
            return Account(id=1, channel="webhook", provider="webhook", name="w", settings=settings, version=version)

        old = of(1, "/slow")
        slow = asyncio.create_task(channel.send(old, [channel.prepare(message(n, "Hello"), old) for n in range(4)], speaking))
        async with asyncio.timeout(60):
            while len(server.asked) < 2:
                await asyncio.sleep(0.01)
        for version in range(2, 2 + changes):
            new = of(version, "/quick")
            (receipt,) = await channel.send(new, [channel.prepare(message(9, "Hello"), new)], speaking)
            assert receipt.outcome == "sent"
        held.set()
        assert [receipt.outcome for receipt in await slow] == ["sent"] * 4
        await channel.close()
        await turns()
        assert server.most_open <= 2 + 2 * changes
