"""Rotation: other keys for what is stored, while the application runs."""
