"""Threads, signals and the end of the interpreter."""

import os
import signal
import subprocess
import sys
import threading

import prove_token
import pytest
from conftest import NEVER

# Before the deadline that was promised, on a machine that does other things as well.
PROMPT = 0.2


def in_threads(count, work):
    """The results of a function that so many threads call at the same moment."""
    start, results = threading.Barrier(count), []

    def run():
        start.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(NEVER)
        assert not thread.is_alive()
    return results


def test_a_thousand_threads_on_an_empty_cache_cost_one_request(emulator, client):
    emulator.inject("delay=50ms")
    tokens = in_threads(1000, client.access_token)
    assert len(tokens) == 1000
    assert len({id(token) for token in tokens}) == 1
    assert emulator.token_requests == 1


def test_a_failure_is_shared_by_all_who_waited(emulator, client):
    emulator.inject("status=401,delay=50ms")

    def fail():
        with pytest.raises(prove_token.RejectedError):
            client.access_token()
        return True

    assert in_threads(100, fail) == [True] * 100
    assert emulator.token_requests == 1


def test_a_ninth_thread_counts_while_eight_are_blocked(gated):
    client = prove_token.TokenClient(**gated.settings)
    blocked = [threading.Thread(target=client.access_token) for _ in range(8)]
    for thread in blocked:
        thread.start()
    assert gated.arrived.wait(NEVER)
    # If one of them held the GIL, this would never end.
    for _ in range(1_000_000):
        pass
    assert all(thread.is_alive() for thread in blocked)
    gated.gate.set()
    for thread in blocked:
        thread.join(NEVER)
        assert not thread.is_alive()


INTERRUPTED = """
import os, signal, sys, threading, time
import prove_token
client = prove_token.TokenClient(**eval(sys.argv[1]))
def interrupt():
    global sent
    # Once the call waits: the request has arrived.
    sys.stdin.readline()
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    client.access_token()
except KeyboardInterrupt:
    print(time.monotonic() - sent)
"""


def test_ctrl_c_arrives_while_a_call_waits(emulator):
    emulator.inject("silence,times=0")
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, repr(emulator.settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert emulator.wait_for_requests(1)
    output, _ = process.communicate("\n", NEVER)
    assert process.returncode == 0
    assert float(output) < PROMPT
    emulator.clear_faults()


def test_a_signal_handler_runs_while_a_call_waits_which_goes_on(gated):
    client = prove_token.TokenClient(**gated.settings)
    calls = []

    def handler(*_):
        calls.append(len(gated.requests))
        gated.gate.set()

    def interrupt():
        assert gated.arrived.wait(NEVER)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        assert client.access_token()
        interrupter.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert calls == [1]


EXIT = """
import sys, threading
import prove_token
emulator = prove_token.emulator(faults=["silence,times=0"])
def read():
    reading.set()
    threading.Event().wait()
reading = threading.Event()
on_event = lambda event: None
settings = emulator.settings
if sys.argv[1] == "callable":
    settings["client_secret"] = read
client = prove_token.TokenClient(**settings, on_event=on_event)
def call():
    client.access_token()
for _ in range(3):
    threading.Thread(target=call, daemon=True).start()
if sys.argv[1] == "callable":
    reading.wait()
else:
    emulator.wait_for_requests(1)
if sys.argv[1] == "answered":
    emulator.clear_faults()
print("ended")
"""


@pytest.mark.parametrize("what", ["waiting", "callable", "answered"])
def test_the_program_may_end_during_a_request(what, run):
    for _ in range(5):
        assert run(EXIT, what, timeout=20) == "ended\n"


LATE = """
import threading, time
import prove_token
emulator = prove_token.emulator(faults=["delay=300ms"])
client = prove_token.TokenClient(**emulator.settings)
threading.Thread(target=client.access_token, daemon=True).start()
emulator.wait_for_requests(1)
class Last:
    def __del__(self, clock=time.monotonic):
        # While the interpreter takes its modules apart: the answer comes, and the thread
        # would like to go on.
        until = clock() + 1
        while clock() < until:
            pass
last = Last()
"""


def test_an_answer_may_come_while_the_interpreter_ends(run):
    assert run(LATE, timeout=20) == ""


SUB = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import prove_token
client = prove_token.TokenClient(environment="emulator")
client.access_token()
try:
    interpreter = interpreters.create("legacy")
except (TypeError, ValueError):
    interpreter = interpreters.create(isolated=False)
code = '''
try:
    import prove_token
except ImportError as error:
    print("refused:", error, flush=True)
'''
raised = getattr(interpreters, "exec", None) or interpreters.run_string
raised(interpreter, code)
interpreters.destroy(interpreter)
client.access_token()
"""


def test_a_sub_interpreter_is_refused_and_harms_nobody(run):
    output = run(SUB)
    assert output.startswith("refused: ")
    assert "interpreter" in output


def test_a_hundred_thousand_calls_leave_nothing_behind(emulator, client):
    def use():
        for number in range(100_000):
            client.access_token()
            client.authorization_header()
            if number % 1000 == 0:
                client.invalidate(client.access_token())

    def seen():
        with open("/proc/self/statm") as statm:
            memory = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return memory, len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    use()
    before = seen()
    use()
    after = seen()
    assert after[0] - before[0] < 4 * 2**20
    assert after[1] <= before[1]
    assert after[2] <= before[2]
