"""What one reading of a list proves about a start that it does not show."""

from __future__ import annotations

import pytest

from a2e_async.core.absence import Reading, read_page


@pytest.mark.parametrize(
    ("data", "full"),
    [
        ({"rows": [], "count": 0}, True),
        ({"rows": [], "total": "0"}, True),
        ({"rows": []}, False),
        ([], False),
        ({"rows": [], "count": 1}, False),
    ],
)
def test_an_empty_list_proves_nothing_unless_it_says_that_there_is_nothing(data, full):
    """A list without rows counts in full only with a count of 0: without one it is silence."""
    reading, page = Reading(), read_page(data)
    assert page is not None
    reading.take(page)
    assert reading.is_full(0.0) is full
