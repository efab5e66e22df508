"""Jobs that outlive their process: written down in a store, taken over from the dead, followed where others have them.

    kept        what a row keeps of a job, as plain JSON, and what is made of it again
    verdicts    what an error means for a row
    journal     what happens to one job, written down before anybody is told
    making      from a row back to its request and its job
    holdings    this process's lease and shards, and those of dead processes that it takes over
    planning    keys: one job each, in this process and in all of them
    following   jobs that a live process has: their ends are read, nothing is sent or polled for them
    limits      the budget, the rate and the running jobs that all processes share
    owner       the service and the account that a store belongs to
    durable     the whole of it, as a client has it

Laws of this room: nothing here ends a job or counts a coin, `engine/jobs/ends.py` does; a start is queued only when its
row is this process's own; who holds a row is decided by the store alone.
"""
