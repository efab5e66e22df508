"""Whose a store is: another service or account is refused, another token of the same account is not."""

from __future__ import annotations

import pytest
from durable import KITE, Wire, durable

from a2e_async import A2EClient, ImageToVideo, LedgerError

VIDEO = ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry")


@durable()
async def test_another_account_is_refused(world):
    """Both are named by the beginning of a hash, and nothing is sent."""
    a2e = await world.process()
    await a2e.start(KITE, key="order-1")
    await a2e.aclose()
    with pytest.raises(LedgerError, match=r"of account [0-9a-f]{8}.*of account [0-9a-f]{8}"):
        await world.process(token="sk_another")
    assert world.starts == 1


class NewToken(Wire):
    """A service that has given the same account another token."""

    async def send(self, request, headers):
        """Take the new token for the old one."""
        known = {name: value.replace("sk_renewed", "sk_simulator") for name, value in headers.items()}
        return await super().send(request, known)


@durable()
async def test_another_token_of_the_same_account_is_recognised(world):
    """The account's id stands in finished records: jobs go on with the new token, from then on without asking."""
    a2e = await world.process()
    made = await a2e.start(VIDEO, key="order-1")
    await a2e.aclose()
    for asked in (True, False):
        wire = NewToken(world.sim, 0.002)
        again = await world.process(token="sk_renewed", http=wire)
        assert bool(wire.sent) is asked
        assert await again.start(VIDEO, key="order-1") == made
        await again.aclose()
    assert world.starts == 1


@durable()
async def test_another_service_is_refused(world):
    """Tasks of the one are not at the other; both addresses are named."""
    a2e = await world.process()
    await a2e.start(KITE, key="order-1")
    view = world.store.another()
    await view.open()
    other = A2EClient("sk_simulator", base_url="http://127.0.0.1:2", http=a2e.wire, store=view)
    with pytest.raises(LedgerError, match=r"http://127.0.0.1:1.*http://127.0.0.1:2"):
        await other.open()
    await view.aclose()
