"""Models: how encrypted columns are declared, copied and inherited, and what is refused."""
