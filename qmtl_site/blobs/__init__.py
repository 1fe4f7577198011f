"""Large arrays by content hash: small ones in PostgreSQL, larger ones in a folder, S3 or GCS."""
