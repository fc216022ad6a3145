"""See it work: real rows, a real PostgreSQL, a KMS and boto3. `python -m demo`, or `make demo`."""
