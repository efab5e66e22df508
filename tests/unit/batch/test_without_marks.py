"""Batches on a disk that keeps no marks beside files: what a row has made is measured."""

from __future__ import annotations

import hashlib

from batches import entries, images, play, service

from a2e_async.engine.files import disk


async def test_the_size_and_the_digest_of_a_file_are_read_where_no_mark_tells_them(tmp_path, monkeypatch):
    """The ledger has both all the same, and the next run fetches nothing again."""
    monkeypatch.setattr(disk, "_set", None)
    monkeypatch.setattr(disk, "_get", None)
    async with service() as sim:
        await play(tmp_path, sim, images(2))
        for entry in (await entries(tmp_path)).values():
            (file,) = entry.files
            made = (tmp_path / file.path).read_bytes()
            assert (file.bytes, file.sha256) == (len(made), hashlib.sha256(made).hexdigest())
        before = sim.counters.total()
        await play(tmp_path, sim, images(2))
        assert sim.counters.total() == before
