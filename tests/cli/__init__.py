"""The command line, as a terminal, a pipe and a scheduler meet it."""
