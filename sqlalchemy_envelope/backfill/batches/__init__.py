"""Rows read and written a batch at a time, and what is recorded with each batch."""
