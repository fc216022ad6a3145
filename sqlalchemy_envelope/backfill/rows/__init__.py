"""What a job does with rows, kind by kind: what it selects, how it reads that, and what it makes of it."""
