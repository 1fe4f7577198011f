"""Events on their way out: Redis Streams, signed webhooks, notifications; at least once, in order per world."""
