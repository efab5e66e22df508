"""What an open client has for files; loaded when the first one is fetched or sent, as most jobs need none."""

from __future__ import annotations

from pathlib import Path

from a2e_async.core.inputs import UploadMemory
from a2e_async.core.transfers import Progress
from a2e_async.engine.engine import Engine
from a2e_async.engine.files import names, uploads
from a2e_async.engine.files.downloads import Downloads
from a2e_async.engine.files.hosts import Hosts, tls_of
from a2e_async.engine.jobs.outputs import Outputs
from a2e_async.engine.settings import Config


class ClientFiles:
    """Fetches and sends the files of one client.

    Args:
        config: What the client was made with.
        engine: Who is asked for a result again whose URL has expired, and for the address of an upload.

    Attributes:
        downloads: What fetches.
        uploads: What sends.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        inside = config.local or config.allow_private_files
        self._engine = engine
        self._hosts = Hosts(config.retry, config.transfers, inside=inside, tls=config.tls or tls_of(config.http))
        self.downloads = Downloads(config.retry, config.transfers, self._hosts)
        self.uploads = uploads.Uploads(engine, self._hosts, config.retry, config.transfers)

    async def download(self, what: Outputs, folder: str | Path, name: str | None) -> list[Path]:
        """Fetch result files; see `A2EClient.download`."""
        where, stem = names.place(folder, name)
        return await names.download(self._engine, self.downloads, what, where, stem)

    async def upload(self, what: object, kind: str | None, progress: Progress | None, memory: UploadMemory) -> str:
        """Send a file to the service's storage; see `A2EClient.upload`."""
        return (await self.uploads.upload(what, kind, progress, memory)).url

    async def aclose(self) -> None:
        """End what is being sent, and close the connections to hosts of files."""
        await self.uploads.aclose()
        await self._hosts.aclose()
