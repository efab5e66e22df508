"""The lines of a run as images (PNG); needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import summary
from benchmarks.contestants import BATCH, CONTESTANTS, LOOPS, OURS

Line = dict[str, Any]

_OURS, _BARE, _PEER = "#d1495b", "#8d99ae", "#30638e"
_TWINS = [name for name, one in CONTESTANTS.items() if one.options.get("aiohttp_transport")]


def draw(lines: list[Line], folder: Path) -> list[Path]:
    """Draw every image that the lines are enough for.

    Args:
        lines: The lines of a run.
        folder: Where the images are written.
    """
    found = summary.medians(lines)
    if not found:
        return []
    crowd = summary.CROWD if summary.CROWD in found else max(found)
    files = [_bars(found[crowd], crowd, folder), _trade(found[crowd], crowd, folder)]
    return [*files, _sizes(found, folder)] if len(found) > 1 else files


def _colour(name: str) -> str:
    return _OURS if name == OURS else _BARE if name in (BATCH, LOOPS) else _PEER


def _names(by_name: dict[str, Line]) -> list[str]:
    return [name for name in CONTESTANTS if name in by_name]


def _saved(figure: Figure, axes: Axes, path: Path) -> Path:
    axes.spines[["top", "right"]].set_visible(b=False)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    return path


def _bars(by_name: dict[str, Line], jobs: int, folder: Path) -> Path:
    names = sorted(_names(by_name), key=lambda name: -by_name[name]["cpu"])
    figure = Figure(figsize=(7, 0.4 * len(names) + 1))
    axes = figure.subplots()
    bars = axes.barh(names, [by_name[name]["cpu"] for name in names], color=[_colour(name) for name in names])
    lost = [int(by_name[name]["lost"]) for name in names]
    labels = [
        f" {by_name[name]['cpu']:.2f}" + (f", {gone:,} lost" if gone else "")
        for name, gone in zip(names, lost, strict=True)
    ]
    axes.bar_label(bars, labels)
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 4)
    axes.set_xlabel("CPU time for each job that ended well, ms")
    axes.set_title(f"{jobs:,} videos of 1 to 6 s at once")
    return _saved(figure, axes, folder / "cpu.png")


def _trade(by_name: dict[str, Line], jobs: int, folder: Path) -> Path:
    figure = Figure(figsize=(7, 4.5))
    axes = figure.subplots()
    for name in _names(by_name):
        line = by_name[name]
        place = max(line["delay"], 0.001), line["requests"]
        beside = (-6, -12, "right") if name in (OURS, *_TWINS) else (6, 4, "left")
        axes.scatter(*place, color=_colour(name), zorder=2)
        axes.annotate(name, place, beside[:2], textcoords="offset points", ha=beside[2])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean delay from a video's end to its job's, s")
    axes.set_ylabel("requests for each job")
    axes.set_title(f"{jobs:,} videos of 1 to 6 s at once")
    axes.grid(alpha=0.3)
    return _saved(figure, axes, folder / "requests.png")


def _sizes(found: dict[int, dict[str, Line]], folder: Path) -> Path:
    figure = Figure(figsize=(7, 4.5))
    axes = figure.subplots()
    for name in CONTESTANTS:
        sizes = [jobs for jobs in sorted(found) if name in found[jobs]]
        if not sizes:
            continue
        values = [found[jobs][name]["cpu"] for jobs in sizes]
        axes.plot(sizes, values, marker="o", color=_colour(name), linewidth=2 if name == OURS else 1)
        axes.annotate(name, (sizes[-1], values[-1]), (6, -3), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("jobs at once")
    axes.set_ylabel("CPU time for each job that ended well, ms")
    axes.grid(alpha=0.3)
    return _saved(figure, axes, folder / "sizes.png")
