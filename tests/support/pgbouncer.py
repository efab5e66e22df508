"""pgbouncer before a PostgreSQL of the tests, which pools transactions: each may go over another connection."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from postgres_server import PASSWORD, free_port

_ELSEWHERE = "/usr/sbin/pgbouncer"
_SECONDS = 10


def missing_pgbouncer():
    """Say why there can be no pgbouncer here, "" where there can."""
    return "" if _program() else "pgbouncer is not installed here"


def _program():
    return shutil.which("pgbouncer") or (_ELSEWHERE if Path(_ELSEWHERE).exists() else None)


@contextlib.contextmanager
def pgbouncer(server, *, connections=3):
    """Give the address of the database behind a pgbouncer for a block; it shares so many connections among all."""
    folder, port, who = server.folder / "bouncer", free_port(), server.who
    folder.mkdir()
    (folder / "users").write_text(f'"a2e" "{PASSWORD}"\n')
    (folder / "ini").write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port} dbname=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {folder}/users\npool_mode = transaction\n"
        f"default_pool_size = {connections}\nmax_client_conn = 200\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
    )
    if who:
        for path in (folder, *folder.iterdir()):
            os.chown(path, who["user"], who["group"])
    with subprocess.Popen(
        [_program(), str(folder / "ini")], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who
    ) as child:
        try:
            _wait_for(port, child)
            yield f"postgresql://a2e:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            child.kill()


def _wait_for(port, child):
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        assert child.poll() is None, "pgbouncer has ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("pgbouncer does not listen")
