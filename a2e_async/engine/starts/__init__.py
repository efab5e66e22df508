"""From an intent to accepted tasks, exactly once.

The way of a start: `starter` queues it and takes a place and coins for it (`places`, `budget`), `sender` posts it, and
the reply says what became of the POST: `attempt` has that table, and the laws of this room. Only an unknown outcome
goes on to `finder`, which reads the list of the family (`sweep`, shared by all that look: `sweeps`) and judges what it
read by `core/absence.py`. `siblings` finds tasks that the reply did not name, `doubles` what a second POST left behind,
`cancelling` takes an accepted start back, and `account` asks whether a refusal concerns every start.

Why all this stands on a name: the service takes no idempotency key, and gives no way to ask for a task but its id or
the list of its family. A tag in the name is the one mark of ours that comes back.

Known warts, which only the service could mend:

- A task that its list shows only after `Retry.unknown_window`, or hides from everybody, is started twice. A longer
  window makes that rarer and a lost start slower; nothing makes it impossible.
- Two processes that use one tag at the same moment cannot see each other: only a store's key forbids that.
- Names can be cut or masked by the service. A list in which that is seen proves nothing any more, so that a lost start
  ends as `StartUnknownError` where another service would tell.
- A start of a family without names (`Family.name_field` is None) cannot be found: an unknown one is never sent again.
"""

from __future__ import annotations
