"""Throws damaged rows files at their reader: rows that can be started, bad ones that can be shown, or A2EError.

    python -m benchmarks.fuzz_rows --count 100000 --seed 1

Prints one JSON line with its figures and exits with 1 when there is a finding.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from a2e_async.batch.sources import read_file
from benchmarks.fuzzing import SECRETS, TOKEN, Trial, damaged, main

LINK = "https://e.example/a.png"
OBJECTS: list[dict[str, Any]] = [
    {"id": "a", "prompt": "a kite", "width": 1024.0, "skip_face_enhance": True, "input_images": [LINK, LINK]},
    {"id": 5, "prompt": "höhe 🪁", "image_from": "a", "extra": {"deep": [{"x": 1}]}, "webhook_token": "hush"},
    {"id": "c", "family": "image_to_video", "image_url": LINK, "prompt": "p", "negative_prompt": "n", "image_from": ""},
]
TABLE = (
    f'id,family,prompt,width,input_images,image_from,webhook_token,\r\na,,"a kite, ""red""",1024.0,{LINK}|{LINK},,,\r\n'
    f'b,text_to_image,"two\nlines",1e3,"[""{LINK}""]",a,hush,\r\nc,,x,nan,,b,,\r\n'
)
GOOD = [
    TABLE.encode(),
    b"sep=;\r\n" + TABLE.replace(",", ";").encode(),
    TABLE.encode("utf-16"),
    b"\xef\xbb\xbf" + TABLE.replace(",", "\t").encode(),
    "\n".join(json.dumps(one) for one in OBJECTS).encode(),
    json.dumps(OBJECTS, indent=2).encode(),
    json.dumps(OBJECTS, ensure_ascii=False).encode(),
    b"a red kite\n\na sea, at dawn\n",
]
WORDS = (
    *(
        b",",
        b";",
        b"\t",
        b"|",
        b'"',
        b"\n",
        b"\r",
        b"\\",
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
    ),
    *(b"sep=", b"1,024", b"1.02E+03", b"nan", b"#REF!", b'="1"', b"1e999", b"9" * 5000, b"-0", b"Infinity", b"true"),
    *(b"[" * 2000, b"{'a': 1}", b"['a' 'b']", b"\x1b[2J", b"\\ud800", b"row:a#2", b"Prompt", b"PK\x03\x04", b"<html"),
    *(b"image_from", b"text_to_image", b'"id": "a"', b" " * 3000, b"x" * 20_000, LINK.encode()),
)
SUFFIXES = (".csv", ".csv", ".jsonl", ".json", ".txt", ".tsv", "")
LONGEST = 700


def run(count: int, seed: int) -> dict[str, Any]:
    """Read so many damaged files, and give the figures."""
    dice, trial = random.Random(seed), Trial()
    with tempfile.TemporaryDirectory() as folder:

        def throw() -> bytes:
            content = dice.choice(GOOD)
            for _ in range(dice.randint(0, 4)):
                content = damaged(dice, content, WORDS)
            if dice.random() < 0.5:  # noqa: PLR2004 - whole: a damaged one is none
                at = dice.randint(0, len(content))
                content = content[:at] + TOKEN.encode() + content[at:]
            path = Path(folder, f"rows{dice.choice(SUFFIXES)}")
            path.write_bytes(content)
            family = dice.choice([None, "text_to_image", "image_to_video", "nano_banana"])
            found = trial.attempt(lambda path: read_file(path, family), path, content)
            for row in found.rows if found else ():
                trial.attempt(lambda row: row.request(), row, content)
            for bad in found.bad if found else ():
                said = str(bad)
                shown = said.isprintable() and len(said) <= LONGEST and not any(secret in said for secret in SECRETS)
                trial.check(shown, f"cannot be shown: {said[:500]!r} of {content!r:.2000}")
            return content

        return trial.run("fuzz_rows", count, seed, throw)


if __name__ == "__main__":
    sys.exit(main(run, "Throws damaged rows files at their reader."))
