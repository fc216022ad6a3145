"""Blind indexes: their keys, cells and searches."""
