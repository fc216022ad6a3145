"""What a database tells of its encrypted columns and of one value, by SQL alone and without keys."""
