"""Everything the README shows is run."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import re
import types
from pathlib import Path

import pytest

from a2e_async import simulator
from a2e_async.core import family

_README = Path(__file__).parents[2] / "README.md"
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(_BLOCKS)))
async def test_python_block_runs(number, monkeypatch, tmp_path):
    """Each Python block of the README runs against the simulator as it stands."""
    async with simulator.serve(speed=50, media="tiny") as sim:
        monkeypatch.setenv("A2E_API_KEY", sim.token)
        monkeypatch.setenv("A2E_BASE_URL", sim.url)
        monkeypatch.chdir(tmp_path)
        for known in ("by_name", "by_request"):  # what a block declares is forgotten after it
            monkeypatch.setattr(family._registry, known, dict(getattr(family._registry, known)))
        block = _BLOCKS[number], f"README block {number}", "exec"
        code = compile(*block, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        names = {"__name__": "readme", "__builtins__": builtins}
        running = types.FunctionType(code, names)()
        if running is not None:
            await running
        main = names.get("main")  # a script, which stands below `if __name__ == "__main__"`
        if inspect.iscoroutinefunction(main):
            await main()
        elif main is not None:
            await asyncio.to_thread(main)


def test_quick_start_begins_with_two_lines():
    """The quick start begins with exactly two sh blocks of one line each."""
    text = _README.read_text(encoding="utf-8")
    start = text.index("## Quick start")
    section = text[start : text.index("\n## ", start + 1)]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert section.index("```sh") < 20


def test_error_tree_is_the_real_one():
    """The errors that the README draws are all errors there are."""
    from a2e_async import errors  # noqa: PLC0415 - only here

    text = _README.read_text(encoding="utf-8")
    drawn = set(re.findall(r"^(?:[│├└─ ]*)(\w+Error)\b", text, re.MULTILINE))
    real = {name for name in vars(errors) if name.endswith("Error") and isinstance(vars(errors)[name], type)}
    assert drawn == real
