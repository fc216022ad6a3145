"""A canary in every value and every key, and everywhere that it must not show."""
