"""Who should be live: from candidates and their evidence to a plan with weights and reasons."""

from __future__ import annotations

from evaluation.domain.decision.decide import Decision, decide
from evaluation.domain.decision.document import decision_document

__all__ = ["Decision", "decide", "decision_document"]
