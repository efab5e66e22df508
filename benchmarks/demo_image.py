"""The image at the top of the README, made by the package itself: `python -m benchmarks.demo_image`.

It runs `a2e demo` in a terminal of its own, takes what that shows in the middle of the run, opens the page of results
in Chromium, and puts both into `.github/demo.png`. Needs the groups `browser` and `docs`, and Chromium on PATH.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pyte
from playwright.sync_api import Browser, sync_playwright
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

TARGET = Path(__file__).parents[1] / ".github" / "demo.png"
COLUMNS, ROWS = 100, 24
WORDS = ("demo", "--count", "6")
TAKEN = re.compile(r"([6-9]|10) of 12 done")  # the terminal is taken when most rows are done and others run
HEX = re.compile(r"[0-9a-f]{6}")
PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 28px; background: #e9edf2; display: grid; gap: 24px; width: 1144px }
img { width: 100%; border-radius: 10px; box-shadow: 0 6px 24px #0004 }
</style><img src="terminal.svg"><img src="page.png">"""


def main() -> int:
    """Make the image."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("no Chromium on PATH\n")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "terminal.svg").write_text(drawn(terminal(folder)), encoding="utf-8")
        (folder / "both.html").write_text(PAGE, encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            shot(browser, folder / "a2e-demo" / "index.html", folder / "page.png", (1144, 560), 2)
            shot(browser, folder / "both.html", TARGET, (1200, 800), 1, whole=True)
            browser.close()
    sys.stdout.write(f"{TARGET}, {TARGET.stat().st_size / 1024:.0f} KiB\n")
    return 0


def terminal(folder: Path) -> pyte.Screen:
    """Run the demo to its end in a terminal, and give what that showed in the middle of the run."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(f"\x1b[32m$\x1b[0m a2e {' '.join(WORDS)}\r\n".encode())
    inner, outer = pty.openpty()
    fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "a2e_async", *WORDS]
    child = subprocess.Popen(command, stdin=outer, stdout=outer, stderr=outer, cwd=folder, env=env)
    os.close(outer)
    taken = None
    while child.poll() is None:
        if select.select([inner], [], [], 0.1)[0]:
            try:
                stream.feed(os.read(inner, 65_536))
            except OSError:  # the other side has closed
                break
        if taken is None and TAKEN.search("\n".join(screen.display)):
            taken = copy_of(screen)
    if child.wait() != 0 or taken is None:
        raise RuntimeError("\n".join(screen.display))
    return taken


def copy_of(screen: pyte.Screen) -> pyte.Screen:
    """Keep what a screen shows now."""
    kept = pyte.Screen(screen.columns, screen.lines)
    for row in range(screen.lines):
        for column in range(screen.columns):
            kept.buffer[row][column] = screen.buffer[row][column]
    return kept


def drawn(screen: pyte.Screen) -> str:
    """Draw a screen as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for row in range(last_row(screen) + 1):
        line = Text()
        for column in range(COLUMNS):
            char = screen.buffer[row][column]
            style = Style(color=colour(char.fg), bgcolor=colour(char.bg), bold=char.bold, italic=char.italics)
            line.append(char.data, style)
        line.rstrip()
        console.print(line)
    return console.export_svg(title="a2e demo")


def last_row(screen: pyte.Screen) -> int:
    """Give the last row in which something stands."""
    return max(row for row, line in enumerate(screen.display) if line.strip())


def colour(name: str) -> Color | None:
    """Give rich's colour for pyte's, which is a name or six digits."""
    if name == "default":
        return None
    if HEX.fullmatch(name):
        return Color.parse(f"#{name}")
    return Color.parse("yellow" if name == "brown" else name.replace("bright", "bright_"))


def shot(browser: Browser, page: Path, target: Path, size: tuple[int, int], scale: int, *, whole: bool = False) -> None:
    """Open a page and take it."""
    width, height = size
    opened = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
    opened.goto(page.as_uri())
    opened.wait_for_timeout(1500)
    opened.screenshot(path=target, full_page=whole)
    opened.close()


if __name__ == "__main__":
    sys.exit(main())
