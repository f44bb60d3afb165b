"""Event loops."""

import asyncio
import gc
import threading
import tracemalloc
import weakref

import prove_token
import pytest
from conftest import NEVER
from prove_token import _courier


@pytest.fixture
def shared(emulator):
    return prove_token.AsyncTokenClient(**emulator.settings)


@pytest.fixture
def waiting(gated):
    """A client of a server that does not answer yet."""
    return prove_token.AsyncTokenClient(**gated.settings)


def test_a_thousand_tasks_on_an_empty_cache_cost_one_request(emulator, shared):
    emulator.inject("delay=50ms")

    async def main():
        return await asyncio.gather(*(shared.access_token() for _ in range(1000)))

    assert len({id(token) for token in asyncio.run(main())}) == 1
    assert emulator.token_requests == 1


def test_a_cancelled_awaiter_leaves_the_others_alone(gated, waiting):

    async def main():
        tasks = [asyncio.create_task(waiting.access_token()) for _ in range(100)]
        assert await asyncio.to_thread(gated.arrived.wait, NEVER)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert not any(task.done() for task in tasks[1:])
        gated.gate.set()
        return await asyncio.wait_for(asyncio.gather(*tasks[1:]), NEVER)

    assert len(asyncio.run(main())) == 99
    assert len(gated.requests) == 1


def test_a_caller_with_a_short_limit_does_not_end_the_request(gated, waiting):

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(waiting.access_token(), 0.05)
        assert await asyncio.to_thread(gated.arrived.wait, NEVER)
        gated.gate.set()
        return await asyncio.wait_for(waiting.access_token(), NEVER)

    assert asyncio.run(main())
    assert len(gated.requests) == 1


def test_two_loops_in_two_threads_share_a_request(emulator, shared):
    emulator.inject("delay=50ms")
    start, tokens = threading.Barrier(2), []

    async def main():
        start.wait()
        tokens.extend(await asyncio.gather(*(shared.access_token() for _ in range(50))))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(NEVER)
        assert not thread.is_alive()
    assert len(tokens) == 100
    assert emulator.token_requests == 1


def test_a_loop_may_end_while_a_task_waits(gated, waiting):
    loop = asyncio.new_event_loop()
    task = loop.create_task(waiting.access_token())
    loop.run_until_complete(asyncio.sleep(0))
    assert gated.arrived.wait(NEVER)
    loop.close()
    gated.gate.set()
    # The answer comes to a loop that is closed, and to one that is not.
    assert asyncio.run(waiting.access_token())
    # Nobody will ever run the task.
    task._log_destroy_pending = False
    gone = weakref.ref(task)
    del task, loop
    gc.collect()
    assert gone() is None


def test_a_task_may_be_cancelled_just_before_its_answer():
    problems = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context))
        future = loop.create_future()
        # The answer is on its way to the loop, and meanwhile nobody waits for it.
        _courier.wake(loop, future)
        future.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert problems == []


NO_THREAD = """
import asyncio, os, threading
import prove_token
client = prove_token.AsyncTokenClient(environment="emulator")
start = threading.Thread.start
def refuse(thread):
    raise RuntimeError("can't start new thread")
before = len(os.listdir("/proc/self/fd"))
threading.Thread.start = refuse
for _ in range(3):
    try:
        asyncio.run(client.access_token())
    except RuntimeError as error:
        print(error)
threading.Thread.start = start
assert len(os.listdir("/proc/self/fd")) <= before + 4
asyncio.run(client.access_token())
"""


def test_without_a_thread_to_be_woken_by_a_call_fails_and_the_next_may_not(run):
    assert run(NO_THREAD, timeout=20) == "can't start new thread\n" * 3


def test_a_call_outside_of_a_loop_is_refused(emulator, shared):
    call = shared.access_token()
    with pytest.raises(RuntimeError, match="no running event loop"):
        call.send(None)


def test_the_loop_runs_while_a_task_waits(gated, waiting):

    async def main():
        task = asyncio.create_task(waiting.access_token())
        turns = 0
        assert await asyncio.to_thread(gated.arrived.wait, NEVER)
        for _ in range(100):
            await asyncio.sleep(0)
            turns += 1
        assert not task.done()
        gated.gate.set()
        await asyncio.wait_for(task, NEVER)
        return turns

    assert asyncio.run(main()) == 100


def test_calls_that_wait_leave_nothing_behind(emulator, shared):
    async def use(times):
        for _ in range(times):
            shared.invalidate(await shared.access_token())
            await asyncio.gather(*(shared.access_token() for _ in range(10)))

    asyncio.run(use(50))
    gc.collect()
    tracemalloc.start()
    try:
        asyncio.run(use(10))
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(use(200))
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 64 * 1024
