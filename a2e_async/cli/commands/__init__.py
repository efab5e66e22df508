"""One file per command or small group of commands; `app.py` has their table."""
