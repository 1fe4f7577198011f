"""Shapes and hashes that producers, clients and the service share; plain Python."""
