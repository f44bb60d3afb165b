"""Secrets that can be recognised wherever they turn up."""

import base64
from urllib.parse import quote

CLIENT_ID = "wire client"
# As in tests/fixtures/wire/README.md.
SECRET = "p+o&s=t% ü~s3cret5e1f"
TOKEN = "canarytoken77aa.4f2a-~"

# The parts that percent-encoding, HTML and JSON leave as they are; and how every JWT of
# the emulator starts, for no test knows its tokens beforehand.
CORES = ("s3cret5e1f", "canarytoken77aa")
JWT = "eyj0exaioijkv1qi"


def _needles():
    for core in CORES:
        octets = core.encode()
        yield octets.hex()
        yield ", ".join(str(octet) for octet in octets)
        yield quote(core, safe="")
        for offset in range(3):
            # The characters at both ends mix with their neighbours.
            inside = base64.b64encode(b"x" * offset + octets).decode().rstrip("=")
            yield inside[4 if offset else 0 : -2]


def leak(text):
    """Which needle is in the text, or None."""
    folded = text.lower()
    for core in (*CORES, JWT):
        if core in folded:
            return core
    return next((needle for needle in _needles() if needle in text), None)
