"""How the service speaks HTTP: refusals as problem documents, strict JSON, pages, ETags, idempotency."""
