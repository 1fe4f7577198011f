"""Who did what to which object: an append-only table, hash chained per world."""
