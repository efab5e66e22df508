"""The documents that users read, and the blocks of code in them.

A comment directly above a block says what it is for the tests, and is not seen by readers:

    <!-- file: prompts.csv -->                the block is a file in the folder in which the blocks of the page run
    <!-- with: PostgreSQL -->                 the block needs something; `test_documents_elsewhere.py` runs it with that
    <!-- not run: it runs this test -->       the block is run by other means
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

import a2e_async
from a2e_async.simulator.media import plain

ROOT = Path(__file__).parents[2]
GUIDE = Path(a2e_async.__file__).parent / "guide"

DOCUMENTS = {"README": ROOT / "README.md", **{f"guide/{page.stem}": page for page in sorted(GUIDE.glob("*.md"))}}
"""Each document by the name that tests show."""

_BLOCK = re.compile(
    r"(?:^<!-- (?P<what>file|with|not run): (?P<words>.+?) -->\n\n?)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@attrs.frozen
class Block:
    """One block of code.

    Attributes:
        place: The document and the line in which it begins.
        language: What stands behind its opening fence.
        text: What stands in it.
        file: The name under which it is a file for the blocks of its page, or an empty text.
        needs: What it cannot run without, or an empty text.
        left_out: Why it is not run, or an empty text.
    """

    place: str
    language: str
    text: str
    file: str = ""
    needs: str = ""
    left_out: str = ""


def blocks_of(name):
    """Give all blocks of a document."""
    text = DOCUMENTS[name].read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        place = f"{name}:{text.count(chr(10), 0, match.start('language')) + 1}"
        said = {match["what"]: match["words"]}
        words = [said.get(kind, "") for kind in ("file", "with", "not run")]
        found.append(Block(place, match["language"], match["text"], *words))
    return found


def blocks(language):
    """Give the blocks of one language that run, of all documents, by their places."""
    found = [block for name in DOCUMENTS for block in blocks_of(name)]
    return {one.place: one for one in found if one.language == language and not one.needs and not one.left_out}


def is_a_test(block):
    """Tell whether pytest runs it."""
    return block.language == "python" and bool(re.search(r"^(async )?def test_", block.text, re.MULTILINE))


def furnish(folder, name):
    """Put what the blocks of a document use into a folder: its files, and a few photos."""
    for photo in ("photo.png", "me.png", "photos/ada.png", "photos/ben.png", "photos/cleo.png"):
        path = folder / photo
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(plain.tiny_image() + photo.encode())  # photos of different people are different files
    (folder / "conftest.py").write_text('pytest_plugins = ["a2e_async.testing"]\n', encoding="utf-8")
    for block in blocks_of(name):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
