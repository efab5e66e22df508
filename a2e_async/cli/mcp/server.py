"""The server: the tools behind the Model Context Protocol, on stdin and stdout."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from a2e_async._version import __version__
from a2e_async.cli.mcp.tools import Tools
from a2e_async.errors import A2EError

_INSTRUCTIONS = """\
Makes images, videos, audio and voices with A2E, for coins. `families` tells what can be made and with which fields,
`price` what it costs. `start` with a key of your own, then `follow` until it has ended, then `download`; `batch` does
all of it for many tasks. When a call fails or times out, repeat it with the SAME key: nothing is paid for twice. A new
key is a new task and a new bill. The budget is fixed: when it is used up, tell the user."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
_TOOLS = {
    "families": _READS, "price": _READS, "balance": _READS, "guide": _READS, "follow": _READS,
    "start": _WRITES, "download": _WRITES, "batch": _WRITES, "cancel": _WRITES,
}  # fmt: skip


def server_of(tools: Tools) -> MCPServer[Any]:
    """Make the server of these tools."""
    server: MCPServer[Any] = MCPServer("a2e", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    for name, hints in _TOOLS.items():
        method = getattr(tools, name)
        server.add_tool(_tool(method), name=name, description=inspect.getdoc(method), annotations=hints)
    return server


async def serve(tools: Tools, stopped: asyncio.Event) -> None:
    """Serve until stdin has ended, or until somebody says so."""
    server = server_of(tools)
    logging.getLogger("a2e_async").propagate = False  # the server's package has taken the root's records for itself
    serving = asyncio.create_task(server.run_stdio_async(), name="a2e mcp")
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if serving.done():
        serving.result()


def _tool(method: Callable[..., Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Make a tool of a method, whose errors the agent can read."""

    @functools.wraps(method)
    async def tool(*args: Any, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the method takes
        try:
            return await method(*args, **given)
        except A2EError as error:
            raise ToolError(f"{type(error).__name__}: {error}") from error

    return tool
