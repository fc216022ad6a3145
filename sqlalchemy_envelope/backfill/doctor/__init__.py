"""What is looked for at a table before a column of it is moved, and after."""
