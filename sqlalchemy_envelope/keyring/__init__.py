"""Which data key a value gets, and how a stored one is unwrapped: caching, reuse, concurrency."""
