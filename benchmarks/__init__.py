"""Measurements of speed and memory: `python -m benchmarks`, or one of its modules (README.md)."""
