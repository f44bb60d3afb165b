"""Servers of web applications, which fork, or run an event loop."""

import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import NEVER

FLASK_LIKE = """
import os, prove_token
client = prove_token.TokenClient(environment="emulator")
client.access_token()                       # before gunicorn forks
def app(environ, start_response):
    if environ["PATH_INFO"] == "/renew":
        client.invalidate(client.access_token())
    token = client.access_token()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {token.expires_in > 3000}".encode()]
"""

FASTAPI = """
from contextlib import asynccontextmanager
import fastapi, httpx, prove_token
@asynccontextmanager
async def lifespan(app):
    async with prove_token.AsyncTokenClient(environment="emulator") as client:
        auth = prove_token.httpx.BearerAuth(client)
        async with httpx.AsyncClient(base_url=client.api_base, auth=auth, trust_env=False) as api:
            app.state.api = api
            yield
app = fastapi.FastAPI(lifespan=lifespan)
@app.get("/domain")
async def domain():
    return (await app.state.api.get("/v3/domain/id")).raise_for_status().json()
"""


class Process:
    """A server in a process of its own, and what it says."""

    def __init__(self, module, *arguments, cwd, env):
        self.said = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)
                if found := re.search(r"(?:Listening at:|running on) (http://127.0.0.1:\d+)", line):
                    self.url = found[1]
                    self.listening.set()

    def __enter__(self):
        assert self.listening.wait(NEVER), self.said
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(NEVER)
        self.reader.join(NEVER)


def gets(url, count):
    """So many requests, each on a connection of its own."""
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: httpx.get(url, trust_env=False, timeout=NEVER), range(count))
        return [answer.raise_for_status().text for answer in answers]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="gunicorn forks")
@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn_with_preload(worker, emulator, tmp_path):
    (tmp_path / "wsgi.py").write_text(FLASK_LIKE)
    env = {"PROVE_EMULATOR": emulator.url}
    arguments = ["--preload", "--workers", "3", "--worker-class", worker, "--threads", "2"]
    arguments += ["--bind", "127.0.0.1:0", "--no-control-socket", "wsgi:app"]
    with Process("gunicorn", *arguments, cwd=tmp_path, env=env) as server:
        answers = gets(server.url, 40)
        assert {answer.split()[1] for answer in answers} == {"True"}
        assert emulator.token_requests == 1, "the children have the parent's token"
        renewed = gets(f"{server.url}/renew", 40)
        assert {answer.split()[1] for answer in renewed} == {"True"}
    assert server.process.returncode == 0, server.said
    assert emulator.token_requests > 1


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_fastapi(loop, emulator, tmp_path):
    (tmp_path / "api.py").write_text(FASTAPI)
    env = {"PROVE_EMULATOR": emulator.url}
    arguments = ["api:app", "--port", "0", "--loop", loop]
    with Process("uvicorn", *arguments, cwd=tmp_path, env=env) as server:
        gets(f"{server.url}/domain", 40)
        emulator.revoke_all_tokens()
        gets(f"{server.url}/domain", 40)
    assert emulator.token_requests == 2
