"""What an engine does once an envelope is attached."""
