"""What this package measures about itself, and about its peers beside it.

`python -m benchmarks` runs every client against one fast server on loopback, each in a process of its own. The other
files are scripts for one thing each, and print one JSON line per figure.
"""
