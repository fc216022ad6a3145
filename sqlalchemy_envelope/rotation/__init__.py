"""Other keys for what is stored: for key-encryption keys, for data keys, for the values themselves."""
