"""Events that leave with the transaction: emit, subscribe, relay."""
