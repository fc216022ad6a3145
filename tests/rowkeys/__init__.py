"""Columns that share one data key a row."""
