"""Whose a value is: columns, contexts and options that name its tenant."""
