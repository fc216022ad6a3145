"""What moving existing data over does, step by step."""
