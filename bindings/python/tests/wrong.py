"""What the type checkers must refuse: each line that is marked."""

import prove_token

client = prove_token.TokenClient(environment="uat-uss")  # wrong
prove_token.TokenClient("uat-us")  # wrong
prove_token.TokenClient(client_secret=b"bytes")  # wrong
client.access_token(60)  # wrong
client.invalidate("token")  # wrong
prove_token.AccessToken().value = "a"  # wrong
prove_token.httpx.BearerAuth("client")  # wrong
client.api_base.upper()  # wrong
