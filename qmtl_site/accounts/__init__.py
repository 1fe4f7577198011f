"""Tokens and roles: who may do what in which world."""
