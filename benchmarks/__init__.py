"""What it costs, measured beside what it stands on: run `python -m benchmarks --help`."""
