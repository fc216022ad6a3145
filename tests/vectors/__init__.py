"""Test vectors of the wire format, their generator, and a second reader in another language."""
