"""A job while it runs: who holds it, who works on which range, how fast, and when it is over."""
