"""A batch that several processes work on, on one machine or on many.

terms         how a batch is run, the same for all of them, kept in the store
planning      rows into shards, and which of them are attempted anew
worker        one process: takes shards until nothing is left
local         processes of this machine, watched and replaced
looking       how far the batch is, and who works on it
procrastinate delivers shards through an engine in the same database

Laws of this room: the ledger says what is done and who may do what; everything here only says what might be done next,
and may be wrong, late or twice without costing anybody anything. A token or an address with a password is given to a
process through its environment alone.
"""

from __future__ import annotations
