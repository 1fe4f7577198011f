"""Version of the rules' code: part of every ruleset hash, raised whenever a rule may judge differently."""

from __future__ import annotations

RULESET_VERSION = "3"
