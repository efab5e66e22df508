"""`a2e batch`: thousands of rows from a file, each paid for once, however often the command is killed."""

from __future__ import annotations

from a2e_async.cli.base import CommandGroup
from a2e_async.cli.batch.folder import report, status, stop, watch
from a2e_async.cli.batch.run import redo, retry, run_

batch = CommandGroup(name="batch", help="Run thousands of rows from a file; kill it, run it again, pay only once.")
for _one in (run_, status, watch, stop, retry, redo, report):
    batch.add_command(_one)
