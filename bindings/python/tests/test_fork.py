"""Forked children: they work, or raise, within a second."""

import multiprocessing
import os
import time

import prove_token
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

# What was promised.
LIMIT = 1.0
CHILDREN = 10

PRELUDE = """
import os, select, signal, sys, threading, time
import play, prove_token

def in_a_child(work):
    started = time.monotonic()
    # It ends with the child, which alone can write to it.
    ended, alive = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
        finally:
            os._exit(code)
    os.close(alive)
    if not select.select([ended], [], [], 10)[0]:
        os.kill(child, signal.SIGKILL)
        print("a child hung", flush=True)
    os.close(ended)
    took = time.monotonic() - started
    print(f"{os.waitpid(child, 0)[1]} {took:.3f}", flush=True)

def make(**more):
    return prove_token.TokenClient(environment="emulator", **more)
"""

CASES = {
    "after the import": """
in_a_child(lambda: make().access_token())
""",
    "after the build": """
client = make()
in_a_child(client.access_token)
client.access_token()
""",
    "after the first token": """
client = make()
old = client.access_token()
def work():
    assert client.access_token() is old
    client.invalidate(old)
    assert client.access_token().value != old.value
in_a_child(work)
assert client.access_token() is old
""",
    "during a request": """
server = play.Server([play.token()])
client = prove_token.TokenClient(**server.settings)
waiting = threading.Thread(target=client.access_token)
waiting.start()
server.arrived.wait()
def work():
    # The server's threads exist only in the parent, which answers now.
    os.write(write, b"x")
    client.access_token()
read, write = os.pipe()
opener = threading.Thread(target=lambda: os.read(read, 1) and server.gate.set())
opener.start()
in_a_child(work)
waiting.join()
opener.join()
""",
    "in a child of a child": """
client = make()
client.access_token()
def work():
    client.invalidate(client.access_token())
    child = os.fork()
    if child == 0:
        client.invalidate(client.access_token())
        os._exit(0 if client.access_token() else 1)
    assert os.waitpid(child, 0)[1] == 0
    client.access_token()
in_a_child(work)
""",
    "with a callable secret and a callback": """
obtained = threading.Event()
def hear(event):
    if event.name == "token_obtained":
        obtained.set()
running = prove_token.emulator()
client = prove_token.TokenClient(**{**running.settings,
    "client_secret": lambda: running.settings["client_secret"]}, on_event=hear)
client.access_token()
obtained.wait()
def work():
    obtained.clear()
    client.access_token(force=True)
    assert obtained.wait(5)
in_a_child(work)
""",
    "with an event loop": """
import asyncio
client = prove_token.AsyncTokenClient(environment="emulator")
asyncio.run(client.access_token())
def work():
    client.invalidate(asyncio.run(client.access_token()))
    asyncio.run(client.access_token())
in_a_child(work)
client.invalidate(asyncio.run(client.access_token()))
asyncio.run(client.access_token())
""",
    "with an emulator of its own": """
del os.environ["PROVE_EMULATOR"]
client = make()
client.access_token()
emulator = prove_token.emulator()
def work():
    client.access_token()
    client.invalidate(client.access_token())
    client.access_token()
    client.close()
    emulator.close()
    try:
        emulator.inject("status=503")
    except RuntimeError:
        pass
    else:
        raise SystemExit("an emulator of the parent took a fault")
in_a_child(work)
client.access_token()
""",
    "that ends as programs end": """
client = make(on_event=lambda event: None)
client.access_token()
def work():
    client.invalidate(client.access_token())
    client.access_token()
    sys.exit(0)
child = os.fork()
if child == 0:
    work()
started = time.monotonic()
status = os.waitpid(child, 0)[1]
print(f"{status} {time.monotonic() - started:.3f}")
""",
}


@pytest.mark.parametrize("when", CASES)
def test_a_child_works(when, run):
    lines = run(PRELUDE + CASES[when], timeout=30).splitlines()
    assert len(lines) == 1, lines
    status, took = lines[0].split()
    assert status == "0", lines
    assert float(took) < LIMIT


BUSY = (
    PRELUDE
    + """
client = make(on_event=lambda event: None)
client.access_token()
stop = threading.Event()
def keep_busy():
    while not stop.is_set():
        client.invalidate(client.access_token())
threads = [threading.Thread(target=keep_busy) for _ in range(2)]
for thread in threads:
    thread.start()
def work():
    client.access_token()
    client.access_token(force=True)
    prove_token.TokenClient.from_profile(config=sys.argv[1]).access_token()
for _ in range(int(sys.argv[2])):
    in_a_child(work)
stop.set()
for thread in threads:
    thread.join()
"""
)


def test_children_of_a_busy_parent_work(run, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        'version = 1\ndefault_profile = "e"\n[profiles.e]\nenvironment = "emulator"\n'
    )
    lines = run(BUSY, config, CHILDREN, timeout=60).splitlines()
    assert [line.split()[0] for line in lines] == ["0"] * CHILDREN, lines
    assert max(float(line.split()[1]) for line in lines) < 2 * LIMIT, lines


def child(settings, expected, results):
    """What a process of multiprocessing does."""
    started = time.monotonic()
    if settings is None:
        token = shared.access_token()
    else:
        token = prove_token.TokenClient(**settings).access_token()
    results.put((token.value == expected, time.monotonic() - started))


shared = None


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, emulator):
    global shared
    shared = prove_token.TokenClient(**emulator.settings)
    token = shared.access_token()
    context = multiprocessing.get_context(method)
    results = context.Queue()
    settings = None if method == "fork" else emulator.settings
    children = [
        context.Process(target=child, args=(settings, token.value, results)) for _ in range(3)
    ]
    for process in children:
        process.start()
    outcomes = [results.get(timeout=30) for _ in children]
    for process in children:
        process.join(30)
        assert process.exitcode == 0
    assert [same for same, _ in outcomes] == [method == "fork"] * 3
    assert max(took for _, took in outcomes) < LIMIT


def test_a_client_does_not_go_to_another_process(client):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=print, args=(client,))
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        process.start()


def test_a_pool_of_workers_made_before_and_after(emulator):
    """As Celery's prefork pool: a client in the parent, tasks in children that stay."""
    global shared
    shared = prove_token.TokenClient(**emulator.settings)
    shared.access_token()
    with multiprocessing.get_context("fork").Pool(3, initializer=invalidate_shared) as pool:
        values = pool.map(task, range(60), chunksize=1)
    assert all(values)
    # One of the parent, one of each child that had a task.
    assert 2 <= emulator.token_requests <= 4


def invalidate_shared():
    shared.invalidate(shared.access_token())


def task(_):
    return shared.access_token().value
