"""Existing data moves over online."""
