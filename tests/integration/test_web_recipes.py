"""The web applications of the guide, each served: a key that is posted twice is one bill, and its events come."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys

import aiohttp
import pytest
from documents import blocks_of
from web_apps import aiohttp_server, hypercorn_server, uvicorn_server

from a2e_async import LedgerError, simulator

SERVERS = {
    "with_fastapi.py": uvicorn_server,
    "with_starlette.py": uvicorn_server,
    "with_litestar.py": uvicorn_server,
    "with_quart.py": hypercorn_server,
    "with_aiohttp.py": aiohttp_server,
}
RECIPES = {block.file: block.text for block in blocks_of("guide/web") if block.file.startswith("with_")}


def application(folder, name, monkeypatch):
    """Load a recipe as a module of its own, and give its application."""
    (folder / name).write_text(RECIPES[name])
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py"), folder / name)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # frameworks read the annotations there
    spec.loader.exec_module(module)
    return module.app


async def events_of(http, url):
    """Read a stream of events to its end."""
    kinds, data = [], {}
    async with http.get(url) as reply:
        assert reply.content_type == "text/event-stream"
        async for line in reply.content:
            if line.startswith(b"event: "):
                kinds.append(line.decode().strip().removeprefix("event: "))
            if line.startswith(b"data: "):
                data = json.loads(line.removeprefix(b"data: "))
    return kinds, data


def test_every_framework_has_its_recipe():
    """None of them is shown without being served here."""
    assert set(RECIPES) == set(SERVERS)


@pytest.mark.parametrize("name", SERVERS)
async def test_a_recipe_starts_once_and_tells(name, tmp_path, monkeypatch):
    """A key posted twice is one bill, with another prompt a conflict; events end with the URL; forged webhooks fail."""
    monkeypatch.chdir(tmp_path)
    async with simulator.serve(task_seconds=0.3, media="tiny") as sim, aiohttp.ClientSession() as http:
        monkeypatch.setenv("A2E_BASE_URL", sim.url)
        monkeypatch.setenv("A2E_API_KEY", sim.token)
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with SERVERS[name](application(tmp_path, name, monkeypatch), listening):
                for _ in range(2):
                    headers = {"Idempotency-Key": "order-17"}
                    async with http.post(f"{url}/images", params={"prompt": "a red kite"}, headers=headers) as reply:
                        assert (reply.status, await reply.json()) == (202, {"key": "order-17"})
                async with http.post(f"{url}/images", params={"prompt": "a boat"}, headers=headers) as reply:
                    assert (reply.status, "order-17" in (await reply.json())["detail"]) == (409, True)
                kinds, data = await events_of(http, f"{url}/images/order-17/events")
                assert kinds[-1] == "done"
                assert data["urls"]
                async with http.post(f"{url}/a2e/webhook", json={}) as reply:
                    assert reply.status == 401
        assert len(sim.book.starts) == 1


@pytest.mark.parametrize("name", SERVERS)
async def test_a_recipe_whose_store_cannot_be_opened_does_not_start(name, tmp_path, monkeypatch):
    """The server ends by itself and says why; nobody waits for an application that will never answer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs.sqlite").write_bytes(b"this is no database" * 99)
    monkeypatch.setenv("A2E_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("A2E_API_KEY", "sk_simulator")
    app = application(tmp_path, name, monkeypatch)
    refused = pytest.raises((AssertionError, LedgerError), match=r"did not start|jobs\.sqlite is damaged")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening, refused:
        async with SERVERS[name](app, listening):
            raise NotImplementedError
