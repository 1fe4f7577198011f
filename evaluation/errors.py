"""What evaluation refuses."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict


class RunConflict(Conflict):
    code, title = "E_RUN_CONFLICT", "The run exists with another payload"


class RunNotEvaluated(Conflict):
    code, title = "E_RUN_NOT_EVALUATED", "The run is not evaluated yet"


class RunFinal(Conflict):
    code, title = "E_RUN_FINAL", "The run takes no more results"


class EvaluationInProgress(Conflict):
    code, title = "E_EVALUATION_IN_PROGRESS", "The world is being evaluated"
