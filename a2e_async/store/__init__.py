"""Where jobs are written down: a batch's rows and an application's jobs in the same tables.

Laws of this room:

- Write first, tell second: what a caller was told is on the disk.
- A row changes only by an event of `entries.MOVES`, in the one statement that also checks its state.
- Only the holder of a shard writes its rows, and the statement that writes is the one that makes sure of it.
- No start is sent by a process whose lease may have run out; by whose clock that is decided stands in `lease`.
- Neither a token nor the password of a database is in a repr, a log, an error or a table.

`ports` says what a store is, `entries` and `values` what a row is, `verbs` how rows change; `sqlite`, `postgres` and
`memory` are the stores, and `opening` makes one of an address.
"""
