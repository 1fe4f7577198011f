"""The admin index."""
