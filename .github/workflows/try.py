"""What a wheel must be able to do on each platform: tokens for threads and for tasks, and
the system's certificates. `wheels.yml` runs it."""

import asyncio
import threading

import prove_token

with prove_token.emulator() as emulator:
    with prove_token.TokenClient(**emulator.settings) as client:
        threads = [threading.Thread(target=client.access_token) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert emulator.token_requests == 1

    async def main() -> None:
        async with prove_token.AsyncTokenClient(**emulator.settings) as client:
            await asyncio.gather(*(client.access_token() for _ in range(8)))

    asyncio.run(main())
    assert emulator.token_requests == 2

# Nobody listens there. That it is no configuration error shows that TLS could be set up.
try:
    prove_token.TokenClient(
        token_endpoint="https://127.0.0.1:9/token", client_id="a", client_secret="b"
    ).access_token()
except prove_token.UnavailableError as error:
    print(error)
