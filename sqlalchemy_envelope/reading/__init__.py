"""Where an encrypted column may stand in a statement, how it renders there, and the keys its rows need."""
