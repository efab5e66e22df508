"""A PostgreSQL of the tests' own: started in a temporary folder, as somebody who may, and stopped at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "sesame-oyster-7"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin")


def programs():
    """Give the folder of PostgreSQL's programs, None where there is none."""
    found = [Path(place) for pattern in _PLACES for place in sorted(Path("/").glob(pattern.lstrip("/")))]
    on_path = shutil.which("postgres")
    candidates = [*([Path(on_path).parent] if on_path else []), *reversed(found)]
    return next((one for one in candidates if (one / "initdb").exists() and (one / "postgres").exists()), None)


def _somebody():
    """Give who may run it: PostgreSQL refuses root."""
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            import pwd  # noqa: PLC0415 - posix only

            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    return None


def missing():
    """Say why there can be no PostgreSQL here, "" where there can."""
    if programs() is None:
        return "PostgreSQL is not installed here"
    try:
        import psycopg  # noqa: F401, PLC0415 - an optional extra
    except ImportError:
        return "psycopg is not installed here"
    return "" if _somebody() is not None else "PostgreSQL does not run as root, and there is nobody else"


def free_port():
    """Give a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class PostgresServer:
    """A server, begun by `start`; the same data are found again after `restart`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="a2e-pg-"))
        self.port = free_port()
        self._who = _somebody() or {}
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])

    @property
    def who(self):
        """As whom its programs run, as arguments of `Popen`; {} for ourselves."""
        return self._who

    @property
    def url(self):
        """The address of its first database."""
        return f"postgresql://a2e:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def _run(self, program, *arguments):
        command = [str(programs() / program), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._who)
        assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"

    def start(self):
        """Make the data, and start."""
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = self.folder / "data"
        self._run(
            "initdb", "-D", data, "-U", "a2e", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8",
            "--no-sync", "--no-locale",
        )  # fmt: skip
        settings = data / "postgresql.conf"
        settings.write_text(
            f"{settings.read_text()}\nport = {self.port}\n"
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n"
            "shared_buffers = 16MB\nmax_connections = 60\nautovacuum = off\n"
        )
        self.up()
        return self

    def up(self):
        """Start it."""
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-w", "-t", "30", "start")

    def down(self, mode="immediate"):
        """Stop it; "immediate" is as if it had been killed."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "-t", "30", "stop")

    def close(self):
        """Stop it for good."""
        with contextlib.suppress(AssertionError):
            self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def empty(self):
        """Take everything out of the database."""
        import psycopg  # noqa: PLC0415 - an optional extra

        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as db:
            await db.execute("DROP SCHEMA IF EXISTS a2e CASCADE")


@contextlib.contextmanager
def postgres_server():
    """Give a server for a block."""
    server = PostgresServer()
    try:
        yield server.start()
    finally:
        server.close()
