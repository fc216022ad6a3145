"""The table of key-encryption keys, by SQL."""
