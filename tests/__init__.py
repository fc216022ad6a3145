"""The tests: sentences about what the package does, against a real PostgreSQL and a real KMS client."""
