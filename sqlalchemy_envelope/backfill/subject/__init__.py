"""What a job is about: a move, a rotation or a blind index, by the names that they have in the database."""
