"""`a2e mcp`: a server of the Model Context Protocol, with which an agent makes images, videos and voices.

Laws of this room:

- Every start has a key, which the agent chooses: one key, one intent, one bill. An agent whose call timed out calls
  again with the same key, and gets the same job.
- Every start is under one budget, that of the command line. No tool can raise it.
- An agent may be talked into things by what it reads. So a tool reads and writes files below the folder of the
  server only, and no tool can pass another token or another address.
- A tool answers within a minute, as clients wait no longer: whatever takes longer goes on, and is followed.
"""

from __future__ import annotations

from a2e_async.cli.mcp.command import mcp

__all__ = ["mcp"]
