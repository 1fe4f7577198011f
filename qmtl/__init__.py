"""Client and metric kernel of QMTL WorldService: which strategy may trade, with how much, and why."""

__version__ = "0.1.0"
