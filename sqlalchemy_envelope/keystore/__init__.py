"""The table `envelope.key`, by SQL: where key-encryption keys lie wrapped."""
