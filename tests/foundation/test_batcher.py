import asyncio

import pytest

from antiphon.foundation.batcher import Batcher, BatcherClosed, QueueFull
from antiphon.foundation.errors import AntiphonError, Invalid


async def test_each_caller_gets_its_own_answer_out_of_one_flush() -> None:
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int | AntiphonError]:
        sizes.append(len(items))
        return [Invalid("odd") if i % 2 else i * 10 for i in items]

    batcher = Batcher[int, int](flush, max_items=100, max_delay=0.01)
    answers = await asyncio.gather(*(batcher.submit(i) for i in range(100)), return_exceptions=True)
    assert sizes == [100]
    assert [a for a in answers if isinstance(a, int)] == [i * 10 for i in range(0, 100, 2)]
    assert sum(isinstance(a, Invalid) for a in answers) == 50
    await batcher.close()


async def test_a_slow_store_makes_larger_batches_and_a_full_queue_refuses() -> None:
    go, began = asyncio.Event(), asyncio.Event()
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int | AntiphonError]:
        began.set()
        await go.wait()
        sizes.append(len(items))
        return list(items)

    batcher = Batcher[int, int](flush, max_items=50, max_delay=0.001, max_queue=60)
    first = asyncio.create_task(batcher.submit(0))
    await began.wait()
    rest = [asyncio.create_task(batcher.submit(i)) for i in range(1, 61)]
    await asyncio.sleep(0.02)
    with pytest.raises(QueueFull):
        await batcher.submit(99)
    go.set()
    assert await asyncio.gather(first, *rest) == list(range(61))
    assert sizes == [1, 50, 10]
    await batcher.close()


async def test_close_flushes_what_was_accepted_and_takes_nothing_more() -> None:
    done: list[int] = []

    async def flush(items: list[int]) -> list[int | AntiphonError]:
        await asyncio.sleep(0.01)
        done.extend(items)
        return list(items)

    batcher = Batcher[int, int](flush, max_items=3, max_delay=5)
    tasks = [asyncio.create_task(batcher.submit(i)) for i in range(10)]
    await asyncio.sleep(0)
    await batcher.close()
    assert done == list(range(10))
    assert await asyncio.gather(*tasks) == list(range(10))
    with pytest.raises(BatcherClosed):
        await batcher.submit(1)


async def test_a_failed_flush_fails_its_own_batch_only() -> None:
    calls = 0

    async def flush(items: list[int]) -> list[int | AntiphonError]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return list(items)

    batcher = Batcher[int, int](flush, max_delay=0)
    with pytest.raises(ConnectionError):
        await batcher.submit(1)
    assert await batcher.submit(2) == 2
    await batcher.close()


async def test_gathering_keeps_nobody_waiting_alone_and_brings_those_together_who_ask_at_once() -> None:
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int | AntiphonError]:
        sizes.append(len(items))
        await asyncio.sleep(0.001)
        return list(items)

    batcher = Batcher[int, int](flush, max_delay=0, gather=30)
    for n in range(3):
        assert await asyncio.wait_for(batcher.submit(n), 60) == n
    assert sizes == [1, 1, 1]
    await asyncio.gather(*(batcher.submit(n) for n in range(20)))
    sizes.clear()

    async def caller(number: int) -> None:
        await asyncio.sleep(0.002 * number)
        await batcher.submit(number)

    await asyncio.wait_for(asyncio.gather(*(caller(n) for n in range(15))), 60)
    assert sizes == [15]
    await batcher.close()


async def test_gathering_ends_when_the_others_stay_away_and_at_close() -> None:
    async def flush(items: list[int]) -> list[int | AntiphonError]:
        return list(items)

    batcher = Batcher[int, int](flush, max_delay=0, gather=0.01)
    await asyncio.gather(*(batcher.submit(n) for n in range(20)))
    assert await asyncio.wait_for(batcher.submit(1), 60) == 1
    await batcher.close()
    patient = Batcher[int, int](flush, max_delay=0, gather=30)
    await asyncio.gather(*(patient.submit(n) for n in range(20)))
    last = asyncio.create_task(patient.submit(2))
    await asyncio.sleep(0.01)
    assert not last.done()
    await asyncio.wait_for(patient.close(), 60)
    assert await last == 2
