"""A notebook: cells with `await` at the top, one after the other, in one event loop."""

from __future__ import annotations

import ast
import asyncio
import inspect
import time

import pytest

from a2e_async import UsageError, simulator
from a2e_async.blocking.portal import in_a_thread

FIRST = """
from a2e_async import A2EClient, Cadence
a2e = await A2EClient(cadence=Cadence(delay=0.05)).open()
job = a2e.text_to_image("a red kite")
"""
WRONG = {
    "import a2e_async\nwith a2e_async.blocking() as front: pass": "use `async with A2EClient",
    "with A2EClient() as front: pass": "use `async with A2EClient",
}
LAST = """
await a2e.aclose()
"""


class Notebook:
    """Runs cells as IPython does: in one namespace, awaiting what they come to."""

    def __init__(self) -> None:
        self.names = {"__name__": "__main__"}

    async def run(self, cell: str) -> None:
        """Run one cell."""
        code = compile(cell, "a cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, self.names)
        if inspect.isawaitable(running):
            await running


@pytest.fixture
def service(monkeypatch):
    """Give a simulator in a thread, to which the environment leads."""
    with in_a_thread() as portal, portal.wrap_async_context_manager(simulator.serve(speed=50, media="tiny")) as sim:
        monkeypatch.setenv("A2E_BASE_URL", sim.url)
        monkeypatch.setenv("A2E_API_KEY", sim.token)
        yield sim


async def test_in_a_loop_that_runs_on(service):
    """In a notebook a job goes on between the cells; a later one has its result and shows it."""
    notebook = Notebook()
    await notebook.run(FIRST)
    async with asyncio.timeout(10):
        while not notebook.names["job"].done():  # noqa: ASYNC110 - the reader of a notebook, who polls now and then
            await asyncio.sleep(0.01)
    await notebook.run("image = await job\nshown = image._repr_html_()")
    assert "<img" in notebook.names["shown"]
    for cell, clue in WRONG.items():
        with pytest.raises(UsageError, match=clue):
            await notebook.run(cell)
    await notebook.run(LAST)


def test_in_a_loop_that_rests_between_the_cells(service):
    """In a terminal's IPython the loop runs only as long as a cell does; the job goes on with the next one."""
    notebook = Notebook()
    with asyncio.Runner() as loop:
        loop.run(notebook.run(FIRST))
        assert not notebook.names["job"].done()
        time.sleep(0.3)
        loop.run(notebook.run("image = await job"))
        assert notebook.names["image"].url
        loop.run(notebook.run(LAST))
    assert len(service.book.starts) == 1


def test_a_script(service):
    """In a script it is `asyncio.run`."""
    names = {"__name__": "script"}
    body = (FIRST + "image = await job\n" + LAST).strip().replace("\n", "\n    ")
    exec(f"import asyncio\nasync def main():\n    {body}\n    return image\nimage = asyncio.run(main())", names)
    assert names["image"].url
