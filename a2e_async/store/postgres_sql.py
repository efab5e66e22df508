"""The statements of a store in PostgreSQL, and its tables, version by version.

Laws of this file: what writes a row is one statement, which locks the lease (FOR KEY SHARE) and the shard (FOR SHARE)
before it writes; a takeover deletes the lease, which waits for these locks. Without them a statement of the old holder
that began before the takeover would still be committed after it. No transaction lasts for several round trips, for a
process that sleeps inside one would keep its locks.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from a2e_async.store.values import HELD
from a2e_async.store.verbs import TYPES, Verb

SCHEMA: Final = "a2e"
CHANNEL: Final = "a2e_hints"

_TABLES = r"\b(FROM|JOIN|INTO|UPDATE|TABLE)\s+(about|batches|leases|shards|rows|purses|limits|uploads)\b"
_AMONG = r"IN \(SELECT value FROM json_each\((:\w+)\)\)"
_CLOCK = "extract(epoch from clock_timestamp())::double precision"

_FIRST = """
CREATE TABLE a2e.batches (name text PRIMARY KEY, batch_id text NOT NULL);
CREATE TABLE a2e.leases (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- never used twice
  worker text NOT NULL,
  ttl double precision NOT NULL,
  beat double precision NOT NULL, -- by the clock of the database
  permits integer NOT NULL DEFAULT 0,
  demand integer NOT NULL DEFAULT 0
);
CREATE TABLE a2e.shards (
  batch text NOT NULL,
  no integer NOT NULL,
  lease bigint,
  done integer NOT NULL DEFAULT 0,
  PRIMARY KEY (batch, no)
);
CREATE TABLE a2e.rows (
  number bigint GENERATED ALWAYS AS IDENTITY,
  batch text NOT NULL,
  id text NOT NULL,
  shard integer NOT NULL,
  key text UNIQUE,
  family text NOT NULL,
  fields text NOT NULL,
  state text NOT NULL DEFAULT 'planned',
  attempt bigint NOT NULL DEFAULT 1,
  tag text,
  task_ids text NOT NULL DEFAULT '[]',
  coins double precision,
  price double precision,
  lost_coins double precision NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '',
  planned_at double precision, intended_at double precision, accepted_at double precision,
  finished_at double precision, done_at double precision,
  sent_first double precision, sent_last double precision, -- by the service's clock
  letters text NOT NULL DEFAULT '',
  files text NOT NULL DEFAULT '[]',
  listed integer NOT NULL DEFAULT 1,
  edited text,
  urls text NOT NULL DEFAULT '[]',
  records text NOT NULL DEFAULT '[]',
  PRIMARY KEY (batch, id)
) WITH (fillfactor = 70);
CREATE INDEX rows_shard ON a2e.rows (batch, shard);
CREATE INDEX rows_number ON a2e.rows (batch, number);
CREATE TABLE a2e.purses (batch text PRIMARY KEY, taken double precision NOT NULL);
CREATE TABLE a2e.limits (name text PRIMARY KEY, version bigint NOT NULL);
INSERT INTO a2e.limits VALUES ('running', 0);
CREATE TABLE a2e.uploads (sha256 text PRIMARY KEY, url text NOT NULL, expires double precision);
"""

STEPS: Final[tuple[str, ...]] = (_FIRST,)
"""What leads from each version of the tables to the next; the version is how many have been taken."""

BEGIN: Final = (
    "CREATE SCHEMA IF NOT EXISTS a2e; CREATE TABLE IF NOT EXISTS a2e.about (key text PRIMARY KEY, value text NOT NULL)"
)
VERSION: Final = "SELECT value FROM a2e.about WHERE key = 'version'"
ORIGIN: Final = (
    "SELECT system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()"
)
KEEP_VERSION: Final = (
    "INSERT INTO a2e.about VALUES ('version', %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
EXISTS: Final = "SELECT to_regclass('a2e.about') IS NOT NULL"
SETTINGS: Final = (
    "SELECT set_config('synchronous_commit', 'on', false), set_config('statement_timeout', '20s', false), "
    "set_config('lock_timeout', '10s', false), set_config('idle_in_transaction_session_timeout', '20s', false), "
    "current_setting('server_encoding')"
)


@functools.cache
def translated(sql: str) -> str:
    """Turn a statement that all stores have in common into one of PostgreSQL's, as psycopg takes it."""
    sql = sql.replace("%", "%%").replace("store_clock()", _CLOCK)
    sql = sql.replace("/* lives */", "FOR KEY SHARE").replace("/* held */", "FOR SHARE")
    # As an array, which is one value and lets an index be used; of a subquery the planner knows nothing.
    sql = re.sub(_AMONG, r"= ANY(ARRAY(SELECT json_array_elements_text(\1)))", sql)
    sql = re.sub(_TABLES, rf"\1 {SCHEMA}.\2", sql)
    return re.sub(r"(?<!:):([a-z_0-9]+)", r"%(\1)s", sql)


_HOLD = (
    "l AS MATERIALIZED (SELECT id FROM a2e.leases WHERE id = ANY(%(leases)s::bigint[]) FOR KEY SHARE), "
    "s AS MATERIALIZED (SELECT h.batch AS s_batch, h.no AS s_no, h.lease AS s_lease FROM a2e.shards h "
    "JOIN l ON l.id = h.lease WHERE h.batch = ANY(%(batches)s::text[]) AND h.no = ANY(%(shards)s::int[]) "
    "FOR SHARE OF h)"
)


@functools.cache
def change(verb: Verb, *, limited: bool, fenced: bool = True) -> str:
    """Give the statement that carries out a verb for many rows; gives for each whether it is held, and was moved.

    Args:
        verb: The verb.
        limited: Whether it is bound by purses.
        fenced: False takes the locks out, for the test that shows what they are for.
    """
    columns = "".join(f", v_{name}" for name in verb.names)
    arrays = "".join(f", %({name})s::{TYPES[name]}[]" for name in verb.names)
    sets = verb.sets.replace("%", "%%").format(**{name: f"v_{name}" for name in TYPES})
    moved = "" if verb.state is None else f", state = '{verb.state}'"
    states = ", ".join(f"'{state}'" for state in sorted(verb.allowed))
    purse, joined, bound = (_PURSE, _JOINED, _BOUND) if limited else ("", "", "")
    hold = _HOLD if fenced else _HOLD.replace(" FOR KEY SHARE", "").replace(" FOR SHARE OF h", "")
    return (
        "WITH v AS MATERIALIZED (SELECT * FROM unnest(%(n)s::int[], %(lease)s::bigint[], %(batch)s::text[], "  # noqa: S608 - constants
        f"%(shard)s::int[], %(id)s::text[], %(limit)s::double precision[]{arrays}) "
        f"AS v (v_n, v_lease, v_batch, v_shard, v_id, v_limit{columns})), "
        f"{hold}, "
        f"o AS MATERIALIZED (SELECT v_n AS o_n, {HELD} AS o_held FROM v JOIN a2e.rows r "
        "ON r.batch = v_batch AND r.id = v_id), "
        f"{purse}"
        f"u AS (UPDATE a2e.rows r SET {sets}{moved} FROM v JOIN s ON s_batch = v_batch AND s_no = v_shard "
        # By its key, never by the index of shards: without statistics the planner takes one for as good as the other.
        f"AND s_lease = v_lease{joined} WHERE r.batch = v_batch AND r.id = v_id AND r.shard + 0 = v_shard "
        f"AND r.state IN ({states}){bound} RETURNING v_n AS u_n, v_batch AS u_batch, {HELD} AS u_held), "
        "p AS (UPDATE a2e.purses p SET taken = p.taken + d.more FROM (SELECT u_batch, sum(u_held - o_held) AS more "
        "FROM u JOIN o ON o_n = u_n GROUP BY u_batch) d WHERE p.batch = d.u_batch AND d.more <> 0) "
        "SELECT v_n, s_no IS NOT NULL, u_n IS NOT NULL FROM v LEFT JOIN s ON s_batch = v_batch AND s_no = v_shard "
        "AND s_lease = v_lease LEFT JOIN u ON u_n = v_n"
    )


_PURSE = (
    "g AS MATERIALIZED (SELECT q.batch AS g_batch, q.taken AS g_taken FROM a2e.purses q "
    "WHERE q.batch = ANY(%(batches)s::text[]) FOR UPDATE), "
    "c AS MATERIALIZED (SELECT v_n AS c_n, sum(greatest(coalesce(v_price, 0) - o_held, 0)) "
    "OVER (PARTITION BY v_batch ORDER BY v_n) AS c_all, greatest(coalesce(v_price, 0) - o_held, 0) AS c_more "
    "FROM v JOIN o ON o_n = v_n), "
)
_JOINED = " JOIN c ON c_n = v_n LEFT JOIN g ON g_batch = v_batch"
_BOUND = " AND (v_limit IS NULL OR c_more = 0 OR coalesce(g_taken, 0) + c_all <= v_limit)"

INSERT: Final = (
    "WITH v AS MATERIALIZED (SELECT * FROM unnest(%(n)s::int[], %(lease)s::bigint[], %(batch)s::text[], "  # noqa: S608 - constants
    "%(shard)s::int[], %(id)s::text[], %(key)s::text[], %(family)s::text[], %(fields)s::text[], "
    "%(planned_at)s::double precision[]) "
    "AS v (v_n, v_lease, v_batch, v_shard, v_id, v_key, v_family, v_fields, v_planned_at)), "
    f"{_HOLD}, "
    "i AS (INSERT INTO a2e.rows (batch, shard, id, key, family, fields, planned_at) "
    "SELECT v_batch, v_shard, v_id, v_key, v_family, v_fields, v_planned_at FROM v JOIN s ON s_batch = v_batch "
    "AND s_no = v_shard AND s_lease = v_lease ORDER BY v_n ON CONFLICT DO NOTHING RETURNING 1) "
    "SELECT v_n, s_no IS NOT NULL, true FROM v LEFT JOIN s ON s_batch = v_batch AND s_no = v_shard "
    "AND s_lease = v_lease"
)

ADD_SHARD: Final = (
    "WITH v AS MATERIALIZED (SELECT * FROM unnest(%(n)s::int[], %(id)s::text[], %(key)s::text[], %(family)s::text[], "
    "%(fields)s::text[], %(planned_at)s::double precision[]) AS v (n, id, key, family, fields, planned_at) "
    "WHERE NOT EXISTS (SELECT 1 FROM a2e.rows r WHERE r.batch = %(batch)s AND r.id = v.id)), "
    "h AS (INSERT INTO a2e.shards (batch, no) SELECT %(batch)s, (SELECT coalesce(max(no) + 1, 0) FROM a2e.shards "
    "WHERE batch = %(batch)s) WHERE EXISTS (SELECT 1 FROM v) RETURNING no), "
    "i AS (INSERT INTO a2e.rows (batch, shard, id, key, family, fields, planned_at) "
    "SELECT %(batch)s, h.no, v.id, v.key, v.family, v.fields, v.planned_at FROM v, h ORDER BY v.n) "
    "SELECT no FROM h"
)

NEW_SHARD: Final = (
    "WITH l AS (SELECT id FROM a2e.leases WHERE id = %(lease)s FOR KEY SHARE) "
    "INSERT INTO a2e.shards (batch, no, lease) SELECT %(batch)s, (SELECT coalesce(max(no) + 1, 0) FROM a2e.shards "
    "WHERE batch = %(batch)s), l.id FROM l RETURNING no"
)

HOLDER: Final = "SELECT lease FROM a2e.shards WHERE batch = %(batch)s AND no = %(no)s"

_MINE = "%(lease)s::bigint"
_HIS = "%(holder)s::bigint"
CLAIM: Final = (
    f"WITH dead AS (DELETE FROM a2e.leases WHERE id = {_HIS} AND beat + ttl < {_CLOCK} RETURNING id), "  # noqa: S608 - constants
    f"l AS MATERIALIZED (SELECT id FROM a2e.leases WHERE id = {_MINE} FOR KEY SHARE), "
    f"t AS (UPDATE a2e.shards SET lease = {_MINE}, done = 0 WHERE batch = %(batch)s AND no = %(no)s "
    f"AND lease IS NOT DISTINCT FROM {_HIS} AND EXISTS (SELECT 1 FROM l) AND (lease = {_MINE} OR "
    f"EXISTS (SELECT 1 FROM dead) OR NOT EXISTS (SELECT 1 FROM a2e.leases WHERE id = {_HIS})) RETURNING no), "
    "m AS (UPDATE a2e.leases SET permits = permits + (SELECT count(*) FROM a2e.rows r WHERE r.batch = %(batch)s "
    "AND r.shard = %(no)s AND (r.state = 'accepted' OR (r.state = 'intended' AND r.letters <> ''))) "
    f"WHERE id = {_MINE} AND EXISTS (SELECT 1 FROM t) AND {_HIS} IS DISTINCT FROM {_MINE}) "
    "SELECT EXISTS (SELECT 1 FROM l), EXISTS (SELECT 1 FROM t)"
)

EDITS: Final = (
    "UPDATE a2e.rows SET family = edited::json->>0, fields = (edited::json->1)::text, edited = NULL "
    "WHERE batch = %(batch)s AND shard = %(no)s AND edited IS NOT NULL AND state = 'planned' AND letters = '' "
    "AND EXISTS (SELECT 1 FROM a2e.shards WHERE batch = %(batch)s AND no = %(no)s AND lease = %(lease)s FOR SHARE)"
)

GIVE_BACK: Final = (
    "UPDATE a2e.shards SET lease = NULL, done = CASE WHEN EXISTS (SELECT 1 FROM a2e.rows r WHERE r.batch = %(batch)s "
    "AND r.shard = %(no)s AND r.state NOT IN ('done', 'failed', 'refused', 'unknown', 'expired')) THEN 0 ELSE 1 END "
    "WHERE batch = %(batch)s AND no = %(no)s AND lease = %(lease)s"
)

NEW_LEASE: Final = f"INSERT INTO a2e.leases (worker, ttl, beat) VALUES (%(worker)s, %(ttl)s, {_CLOCK}) RETURNING id"  # noqa: S608 - a constant
BEAT: Final = f"UPDATE a2e.leases SET beat = {_CLOCK} WHERE id = %(lease)s RETURNING id"  # noqa: S608 - a constant
END_LEASE: Final = "DELETE FROM a2e.leases WHERE id = %(lease)s"
ALLOT: Final = (
    "WITH a AS (UPDATE a2e.limits SET version = version + 1 WHERE name = 'running' AND version = %(version)s "
    "RETURNING 1), b AS (UPDATE a2e.leases SET permits = %(permits)s, demand = %(demand)s "
    "WHERE id = %(lease)s AND EXISTS (SELECT 1 FROM a)) SELECT EXISTS (SELECT 1 FROM a)"
)
PURSE: Final = "SELECT taken FROM a2e.purses WHERE batch = %(batch)s"
# No writer may be under way that has not seen the purse: one round trip, so that nobody can sleep with the lock.
OPEN_PURSE: Final = (
    "LOCK TABLE a2e.rows IN SHARE ROW EXCLUSIVE MODE; INSERT INTO a2e.purses SELECT {batch}, "  # noqa: S608 - a constant
    f"coalesce(sum({HELD}), 0) FROM a2e.rows WHERE batch = {{batch}} ON CONFLICT DO NOTHING"
)
