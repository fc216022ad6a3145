"""Values that are bound to their rows."""
