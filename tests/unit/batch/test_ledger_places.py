"""Where a ledger cannot be."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from ledgers import entry, filled, opened, refused

from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.errors import LedgerError
from a2e_async.store.places import refuse_network


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """The words name the folder and the system's reason."""
    (tmp_path / "file").write_text("")
    assert await refused(tmp_path / "file" / "out") == f"{tmp_path / 'file' / 'out'} cannot be used: Not a directory"


@contextlib.contextmanager
def as_nobody():
    """Be somebody who may write nowhere for a block, where we are allowed to be."""
    if os.geteuid() == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


@pytest.fixture
def public_folder():
    """Give a folder that everybody may look into, and nobody may write to when the test is over."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_folder_that_cannot_be_written_is_refused(public_folder):
    """Also for somebody who may only read it."""
    public_folder.chmod(0o555)
    with as_nobody():
        assert "Permission denied" in await refused(public_folder)
    assert not any(public_folder.iterdir())


async def test_a_ledger_at_rest_is_read_where_nothing_can_be_written(public_folder):
    """The status of an archived batch can be asked for; nothing is left beside it."""
    await filled(public_folder, 3)
    public_folder.chmod(0o555)
    (public_folder / FILE_NAME).chmod(0o444)
    with as_nobody():
        assert len(list(read_entries(public_folder / FILE_NAME))) == 3
        assert read_coins(public_folder / FILE_NAME) == 0
        assert "Permission denied" in await refused(public_folder)
    assert {path.name for path in public_folder.iterdir()} == {FILE_NAME, f".{FILE_NAME}.lock"}


MOUNTS = """\
proc /proc proc rw 0 0
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
/dev/sdc1 /over ext4 rw 0 0
server:/over /over nfs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/tmp/out", None),
        ("/home", "nfs4"),
        ("/home/me/out", "nfs4"),
        ("/home/local/out", None),
        ("/homely", None),
        ("/mnt/with space/out", "cifs"),
        ("/over/out", "nfs"),
    ],
)
def test_a_network_file_system_is_refused(tmp_path, folder, kind):
    """The mount that lies on top decides, also when its name has a space."""
    mounts = tmp_path / "mounts"
    mounts.write_bytes(MOUNTS.encode() + b"x /\xff ext4 rw 0 0\n")
    where = type(tmp_path)(folder)
    if kind is None:
        refuse_network(where, mounts)
    else:
        with pytest.raises(LedgerError, match=rf"network file system \({kind}\)"):
            refuse_network(where, mounts)


@pytest.mark.parametrize("kind", ["9p", "virtiofs", "vboxsf", "fuse.sshfs"])
@pytest.mark.parametrize(("allowed", "taken"), [("", False), ("nfs", False), ("{}", True), ("nfs, {}", True)])
def test_a_file_system_can_be_allowed_by_its_name(tmp_path, monkeypatch, kind, allowed, taken):
    """In a sandbox that has no other; the refusal says how, and nothing but that kind is allowed by it."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"share / {kind} rw 0 0\n")
    monkeypatch.setenv("A2E_ALLOW_FILE_SYSTEM", allowed.format(kind))
    if taken:
        refuse_network(Path("/out"), mounts)
    else:
        with pytest.raises(LedgerError, match=f"set A2E_ALLOW_FILE_SYSTEM={kind}$"):
            refuse_network(Path("/out"), mounts)


def test_a_system_that_does_not_tell_its_mounts_is_believed(tmp_path):
    """Without a table of mounts every folder is local."""
    refuse_network(tmp_path, tmp_path / "nothing")


async def test_whoever_reads_a_ledger_at_rest_leaves_nothing_beside_it(tmp_path):
    """SQLite makes two files for a reader that it lets no reader remove; beside a ledger in use they stay."""
    path = tmp_path / FILE_NAME
    await filled(tmp_path, 3)
    at_rest = {FILE_NAME, f".{FILE_NAME}.lock"}
    assert len(list(read_entries(path))) == 3
    assert read_coins(path) == 0
    assert {one.name for one in tmp_path.iterdir()} == at_rest
    async with opened(tmp_path) as book:
        await book.plan([entry("another")])
        assert len(list(read_entries(path))) == 4
        assert {one.name for one in tmp_path.iterdir()} == at_rest | {f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}
        await book.plan([entry("one more")])
    assert len(list(read_entries(path))) == 5
    half_read = read_entries(path)
    assert next(half_read)
    half_read.close()
    assert {one.name for one in tmp_path.iterdir()} == at_rest
