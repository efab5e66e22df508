"""The spool: rows of a million-row file, checked as a small file's are, and cut so that chains stay whole."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.batch.rows import BadRow, Row, of_request
from a2e_async.batch.sources import check_rows
from a2e_async.batch.spool import Spool
from a2e_async.requests import TextToImage

IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])


def image(row_id, source=None, line=None, *, video=False):
    """Make a row, which may take another row's image."""
    if not video:
        return Row(row_id, "text_to_image", {"prompt": row_id}, image_from=source, line=line)
    fields = {"prompt": row_id, "negative_prompt": "blurry"} | ({} if source else {"image_url": "https://a.example/b"})
    return Row(row_id, "image_to_video", fields, image_from=source, line=line)


def cut(rows, size):
    """Give the ids in each shard."""
    with contextlib.closing(Spool.of(rows)) as spool:
        return [[entry.id for entry in shard] for shard in spool.cut(size)]


@given(st.lists(st.tuples(IDS, st.none() | IDS, st.booleans()), max_size=12))
def test_rows_are_checked_as_those_of_a_small_file(given_rows):
    """The same rows are usable and the same are bad, with the same words, whatever takes from whatever."""
    rows = [image(row_id, source, at, video=video) for at, (row_id, source, video) in enumerate(given_rows, 2)]
    small = check_rows(rows)
    with contextlib.closing(Spool.of(rows)) as spool:
        assert [entry.id for shard in spool.cut(1000) for entry in shard] == [row.id for row in small.rows]
        assert sorted(map(str, spool.bad)) == sorted(map(str, small.bad))
        assert (spool.count, spool.bad_count) == (len(small.rows), len(small.bad))


@given(st.lists(st.integers(-1, 20), min_size=1, max_size=21), st.integers(1, 8))
def test_a_chain_is_never_cut(sources, size):
    """Rows that take from each other are in one shard; a shard is too large only where one chain is."""
    rows = [image(f"r{at}", f"r{source}" if 0 <= source < at else None) for at, source in enumerate(sources)]
    shards = cut(rows, size)
    where = {row_id: at for at, shard in enumerate(shards) for row_id in shard}
    assert Counter(row_id for shard in shards for row_id in shard) == Counter(row.id for row in rows)
    assert all(where[row.id] == where[row.image_from] for row in rows if row.image_from)
    for shard in shards:
        roots = {root(row_id, {row.id: row.image_from for row in rows}) for row_id in shard}
        assert len(shard) <= size or len(roots) == 1


def root(row_id, sources):
    """Give the row at which a chain begins."""
    while sources[row_id] is not None:
        row_id = sources[row_id]
    return row_id


def test_a_source_may_come_late():
    """A row that stands before the one it takes from brings it forward into its shard."""
    rows = [image("late", "source"), *(image(f"r{at}") for at in range(4)), image("source")]
    assert cut(rows, 3) == [["late", "r0", "source"], ["r1", "r2", "r3"]]


def test_equal_requests_are_numbered():
    """The same content three times is three rows, as in a small file."""
    rows = [of_request(TextToImage("a kite"))] * 3
    first = rows[0].id
    assert cut(rows, 10) == [[first, f"{first}-2", f"{first}-3"]]


def test_only_some_bad_rows_are_kept():
    """A file that is all wrong does not fill the memory with words: the rest is counted."""
    with contextlib.closing(Spool.of((BadRow(line=at, message="wrong") for at in (3, 1, 2)), most_bad=2)) as spool:
        assert ([bad.line for bad in spool.bad], spool.bad_count) == ([1, 3], 3)


def test_a_file_that_cannot_be_read_leaves_nothing_open():
    """What the reader raises reaches the caller."""

    def rows():
        yield image("a")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Spool.of(rows())
