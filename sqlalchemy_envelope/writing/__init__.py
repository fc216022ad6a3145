"""What a statement writes to encrypted columns, sealed in one batch before SQLAlchemy compiles it."""
