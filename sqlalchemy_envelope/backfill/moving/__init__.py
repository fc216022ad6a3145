"""The whole way of a column or of a blind index, forth and back, from wherever it stands."""
