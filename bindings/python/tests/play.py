"""A server that sends exactly the bytes it is told to, right or wrong."""

import json
import socket
import threading
from contextlib import contextmanager

from canary import CLIENT_ID, SECRET, TOKEN


class Server:
    """Answers each request with the next of these bytes, once the gate is open; the last
    are repeated."""

    def __init__(self, answers):
        self.answers = answers
        self.gate = threading.Event()
        self.arrived = threading.Event()
        self.requests = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def settings(self):
        """What a client of it is made with."""
        return {
            "token_endpoint": f"{self.url}/token",
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
        }

    def close(self):
        self.gate.set()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            try:
                while request := _read(reader):
                    with self._lock:
                        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
                        self.requests.append(request)
                    self.arrived.set()
                    self.gate.wait()
                    connection.sendall(answer)
            except OSError:
                pass


@contextmanager
def playing(*answers):
    """A running server."""
    with gated(*answers) as server:
        server.gate.set()
        yield server


@contextmanager
def gated(*answers):
    """A running server that answers nothing before its gate is open."""
    server = Server(answers)
    try:
        yield server
    finally:
        server.close()


def answer(status, body="", *headers):
    """An answer with its length."""
    if isinstance(body, str):
        body = body.encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"HTTP/1.1 {status} Test\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def token():
    """An answer with a token."""
    members = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
    return answer(200, json.dumps(members))


def _read(reader):
    """The head and the body of a request; None at the end."""
    lines = []
    while (line := reader.readline()) not in (b"\r\n", b""):
        lines.append(line.decode("latin-1").rstrip())
    if not lines:
        return None
    fields = dict(line.split(": ", 1) for line in lines[1:])
    fields = {name.lower(): value for name, value in fields.items()}
    if fields.get("transfer-encoding") == "chunked":
        return "\n".join(lines), b"".join(_chunks(reader)).decode()
    return "\n".join(lines), reader.read(int(fields.get("content-length", 0))).decode()


def _chunks(reader):
    while length := int(reader.readline(), 16):
        yield reader.read(length)
        reader.readline()
    reader.readline()
