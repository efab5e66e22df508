"""`a2e batch`: thousands of rows from a file, each paid for once however often the command is killed."""

from __future__ import annotations

from a2e_async.cli.base import Group
from a2e_async.cli.batch_report import report
from a2e_async.cli.batch_retry import retry
from a2e_async.cli.batch_run import run_
from a2e_async.cli.batch_status import status

batch = Group(name="batch", help="Run thousands of rows from a file; kill it, run it again, pay once.")
for _one in (run_, status, retry, report):
    batch.add_command(_one)
