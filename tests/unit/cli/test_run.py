"""One run: what goes wrong is one line and an exit code, whatever it is."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from pathlib import Path

import pytest

from a2e_async import Record, Result, TextToImage
from a2e_async.cli.codes import FAILED, INTERRUPTED, MONEY, UNREACHABLE
from a2e_async.cli.display import log
from a2e_async.cli.jobs import JobOutcome, print_errors, print_outcome
from a2e_async.cli.run import Run, run
from a2e_async.cli.settings import Settings
from a2e_async.core.family import family_of
from a2e_async.engine.jobs.kept import KeptJob
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import InsufficientCoinsError, TransportError


@pytest.fixture(autouse=True)
def logger():
    """Leave the package's logger as it was."""
    logger = logging.getLogger("a2e_async")
    kept = logger.handlers, logger.level
    yield logger
    logger.handlers, logger.level = kept


def failing(error: BaseException):
    """Give a command that fails."""

    async def command(_run: Run) -> int:
        await asyncio.sleep(0)
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (TransportError("no way to sk_live_1"), UNREACHABLE, "a2e: no way to sk_***"),
        (OSError(28, "No space left on device"), FAILED, "a2e: [Errno 28] No space left on device"),
        (KeyError("x"), FAILED, "a2e: internal error (please report), KeyError: 'x' (-v shows where)"),
        (KeyboardInterrupt(), INTERRUPTED, "a2e: interrupted"),
    ],
)
def test_errors(error, code, line, capsys):
    """Each is told in one line."""
    assert run(failing(error), Run(Settings())) == code
    assert capsys.readouterr().err == line + "\n"


def test_verbose(capsys):
    """With -v an error comes with its traceback."""
    run(failing(KeyError("x")), Run(Settings(verbose=1)))
    assert "Traceback" in capsys.readouterr().err


def test_results_come_before_an_error(capsys):
    """What a display has kept back is printed in any case."""
    this = Run(Settings())
    this.output.held = [("kept", "")]
    run(failing(KeyError("x")), this)
    assert capsys.readouterr().out == "kept\n"


def told(capsys, verbose: int) -> list[str]:
    """Give what is told of a few log records."""
    log.set_up(verbose)
    logger = logging.getLogger("a2e_async.engine")
    logger.debug("detail")
    logger.info("step")
    logger.warning("odd status, token sk_live_1")
    logger.warning("closed", extra={"queued": 0})
    return [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()]


def test_log(capsys):
    """Without -v only what people must know is told: warnings, but for those that the command says better itself."""
    assert told(capsys, 0) == ["odd status, token sk_***"]


@pytest.mark.parametrize(("verbose", "lines"), [(1, 3), (2, 4)])
def test_log_of_more(verbose, lines, capsys):
    """With -v everything that happens is told, twice everything."""
    assert len(told(capsys, verbose)) == lines


@pytest.mark.parametrize(("missing", "lines"), [((), 0), (("av",), 1), (("PIL", "av"), 1)])
async def test_extra_of_the_simulator(missing, lines, monkeypatch, capsys):
    """The simulator works without its extra, and one line says what it would gain."""
    found = importlib.util.find_spec
    monkeypatch.setattr("a2e_async.cli.simulating.find_spec", lambda name: None if name in missing else found(name))
    async with Run(Settings(simulate=True)).client() as a2e:
        assert (await a2e.balance()).coins == 10_000
    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines
    assert all("pip install 'a2e-async[sim]'" in line for line in told)


def test_errors_of_one_kind(capsys):
    """Many jobs that fail alike are one line; the gravest code counts."""
    this = Run(Settings())
    alike = [(TransportError("refused").about(None, [str(number)]), f"kite {number}") for number in range(7)]
    others = [(InsufficientCoinsError("too few", status=402), "a moon"), (OSError("full"), "")]
    assert print_errors(this, [*alike, *others]) == MONEY
    assert capsys.readouterr().err.splitlines() == [
        'a2e: refused [task 0] ("kite 0", "kite 1", "kite 2", "kite 3", "kite 4" and 2 more)',
        'a2e: too few (HTTP 402) ("a moon")',
        "a2e: full",
    ]
    assert print_errors(this, []) == 0


@pytest.mark.parametrize(
    ("urls", "paths", "printed"),
    [(["https://f/a.png"], [Path("a.png")], "a.png"), (["https://f/a.png"], [], "https://f/a.png"), ([], [], "65f0")],
)
async def test_what_is_printed_of_a_result(urls, paths, printed, capsys):
    """Its files, else its links; of what is no file, such as a voice, the id that it is used by."""
    job = KeptJob(None, family_of("text_to_image"), TextToImage("a kite"), Options())
    record = Record(id="65f0", urls=tuple(urls))
    print_outcome(Run(Settings()), JobOutcome(job=job, result=Result((record,)), paths=tuple(paths)))
    assert capsys.readouterr().out == printed + "\n"
