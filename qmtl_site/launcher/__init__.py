"""Starts QMTL on one machine: the servers it needs, its processes, and their end.

Nothing here imports Django: the launcher prepares the environment from which `settings.py` reads.
`python -m qmtl_site.launcher --help` lists what it does; the Makefile calls it.
"""
