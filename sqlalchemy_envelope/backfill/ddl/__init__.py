"""What changes a table, as literal SQL: columns, gate, trigger, the exchange of names, and their proof."""
