"""Which addresses are this machine or a private network, whatever they are wrapped in."""

from __future__ import annotations

import pytest

from a2e_async.core import addresses


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://[::127.0.0.1]", True),
        ("http://[::ffff:0:127.0.0.1]", True),
        ("http://[64:ff9b:1::a00:1]", True),
        ("http://[64:ff9b::8.8.8.8]", False),
        ("http://[fec0::1]", True),
        ("http://[4000::1]", True),
        ("http://[2606:4700::5efe:192.168.1.1]", True),
        ("http://[2606:4700::200:5efe:8.8.8.8]", False),
        ("http://[2001:0:53aa:64c:0:0:80ff:fffe]", True),
        ("http://192.0.0.192", True),
        ("http://nas.lan", True),
        ("http://db.corp", True),
        ("http://nas.home", True),
        ("http://x.localdomain", True),
        ("http://homes.example", False),
    ],
)
def test_an_address_that_is_wrapped_in_another_is_told_by_what_is_inside(url, local):
    """Of IPv6 only one range is public; translation and tunnels put addresses of IPv4 into it."""
    assert addresses.is_local(url) is local
