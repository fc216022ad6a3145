"""The command line: what `backfill/` does, told on a terminal. The only importer of typer and rich.

Results go to stdout, progress and errors to stderr; neither ever shows a value or a key.
"""
