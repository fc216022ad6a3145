"""What a move leaves in the database, and what can be said of it without keys."""
