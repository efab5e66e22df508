"""What `run` takes: requests, rows, and requests by their ids."""

from __future__ import annotations

import pytest
from batches import play, service

from a2e_async import ImageToVideo, TextToImage, UsageError
from a2e_async.batch import Row

KITE = TextToImage("a red kite", width=640, height=480)
CLIMB = ImageToVideo("https://example.net/kite.png", prompt="it climbs", negative_prompt="blurry")


@pytest.mark.parametrize(
    "rows",
    [
        {"kite": KITE, "climb": CLIMB},
        [Row("kite", KITE), Row("climb", CLIMB)],
        [
            Row(id="kite", family="text_to_image", fields={"prompt": "a red kite", "width": 640, "height": 480}),
            Row("climb", CLIMB),
        ],
    ],
)
async def test_a_row_is_an_id_and_a_request(rows, tmp_path):
    """A mapping of ids to requests, rows made of requests and rows of fields start the same tasks under the ids."""
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        assert {one: outcome.error for one, outcome in run.outcomes.items()} == {"kite": None, "climb": None}
        assert sorted(start.family for start in sim.book.starts) == ["image_to_video", "text_to_image"]


def test_a_row_of_a_request_takes_no_fields_beside_it():
    """Two answers to what the fields are is one too many."""
    with pytest.raises(UsageError, match="row kite: a request has its fields already"):
        Row("kite", KITE, {"prompt": "a blue kite"})


def test_a_row_of_a_family_needs_its_fields():
    """A family alone says nothing of what to make."""
    with pytest.raises(UsageError, match="fields: must be a mapping"):
        Row("kite", "text_to_image")
