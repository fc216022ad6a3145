"""What the schema `envelope` remembers: moves, rotations, blind indexes, and their jobs range by range."""
