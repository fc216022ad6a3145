"""Searching encrypted columns by blind indexes."""
