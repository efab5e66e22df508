"""The command line `a2e`: one file per command or small group, tied together in `app.py`.

Laws of this package: stdout carries results only (text for people, or JSON lines), everything else goes to stderr;
what a command needs beyond click is imported when it runs, so that `a2e --help` is quick.
"""
