"""`python -m a2e_async` and the command `a2e`; says which extra is missing before anything needs it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from a2e_async._quiet import quiet, said

_USAGE = 2


def main() -> None:
    """Run the command line and end the process with its exit code."""
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"a2e: {' and '.join(missing)} missing: pip install 'a2e-async[cli]'\n")
        sys.exit(_USAGE)
    with quiet():  # until a command begins; each hears signals for itself
        from a2e_async.cli.app import main as run  # noqa: PLC0415 - it needs click, an optional extra

        code = run()
    said(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
