"""Rounds: the server in its process, each client in its own, one after the other."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from benchmarks.contestants import CONTESTANTS

ROOT = Path(__file__).parent.parent
_GRACE = 300.0


class Server:
    """The fast server in another process.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self, shortest: float, longest: float, seed: int) -> None:
        """Begin a run whose tasks take so many seconds."""
        asked = {"shortest": shortest, "longest": longest, "seed": seed}
        with urllib.request.urlopen(f"{self.url}/bench/reset", json.dumps(asked).encode()):
            pass

    def report(self) -> dict[str, Any]:
        """Say what was asked, and when each video ended."""
        with urllib.request.urlopen(f"{self.url}/bench/report") as reply:
            report: dict[str, Any] = json.load(reply)
            return report


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Run the fast server in another process for the length of the block."""
    command = [sys.executable, "-m", "benchmarks.server"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.stdin.close()


def environment() -> dict[str, str]:
    """Give the environment of a child: this package is found, and no proxy stands before loopback."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_PROXY": "*", "no_proxy": "*"}


@attrs.frozen(kw_only=True)
class Run:
    """What one client did in one run.

    Attributes:
        contestant: Which client.
        jobs: How many jobs it was given.
        cpu: CPU time in ms for each job that ended well.
        seconds: Wall time.
        requests: Requests for each job.
        peak: Most requests within one second.
        peak_polls: Most polls within one second.
        starts: Starts that the server took.
        delay: Mean time from a task's end to its job's, in seconds.
        delay_p50: Its median.
        delay_p95: Its 95th percentile.
        memory: Peak memory in bytes for each job.
        lost: Jobs that did not end well.
        why: Their errors by kind.
        server_cpu: CPU time of the server in ms for each job.
        versions: What was installed.
    """

    contestant: str
    jobs: int
    cpu: float
    seconds: float
    requests: float
    peak: int
    peak_polls: int
    starts: int
    delay: float
    delay_p50: float
    delay_p95: float
    memory: float
    lost: int
    why: dict[str, int]
    server_cpu: float
    versions: dict[str, str]


def missing(contestant: str) -> list[str]:
    """Say which packages a client needs that are not installed."""
    return [name for name in CONTESTANTS[contestant].imports if importlib.util.find_spec(name) is None]


def run(
    served: Server,
    contestant: str,
    jobs: int,
    *,
    shortest: float,
    longest: float,
    seed: int = 1,
    **order: Any,  # noqa: ANN401 - the rest of an `Order`
) -> Run:
    """Let one client make so many videos.

    Args:
        served: The server.
        contestant: Which client.
        jobs: How many videos.
        shortest: Shortest time of a video in seconds.
        longest: Longest time of a video in seconds.
        seed: What the durations are drawn from.
        **order: What else the child is told.
    """
    served.reset(shortest, longest, seed)
    told = _child({"contestant": contestant, "url": served.url, "jobs": jobs, **order})
    return _measured(told, served.report())


def _child(order: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.child", json.dumps(order)]
    patience = order.get("patience", 120.0) + _GRACE
    child = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT, check=True, timeout=patience
    )
    told: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return told


def _measured(told: dict[str, Any], report: dict[str, Any]) -> Run:
    ends = report["ends"]
    delays = sorted(moment - ends[number] for number, moment in told["noticed"].items()) or [0.0]
    jobs, finished = told["jobs"], max(1, told["finished"])
    return Run(
        contestant=told["contestant"],
        jobs=jobs,
        cpu=told["cpu"] * 1000 / finished,
        seconds=told["seconds"],
        requests=sum(report["requests"].values()) / jobs,
        peak=report["peak"],
        peak_polls=report["peaks"]["record"],
        starts=report["requests"]["start"],
        delay=statistics.fmean(delays),
        delay_p50=delays[len(delays) // 2],
        delay_p95=delays[int(len(delays) * 0.95)],
        memory=told["memory"] / jobs,
        lost=jobs - told["finished"],
        why=told["lost"],
        server_cpu=report["server_cpu"] * 1000 / jobs,
        versions=told["versions"],
    )


def median(runs: list[Run], name: str) -> float:
    """Give the median of one figure of several runs."""
    return float(statistics.median(getattr(one, name) for one in runs))


def machine() -> dict[str, Any]:
    """Say where this was measured, and how busy it was."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }
