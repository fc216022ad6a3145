"""PostgreSQL as every job meets it: connections, names, tables and their keys, locks, and what goes wrong."""
