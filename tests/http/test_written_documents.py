"""What `dump` writes as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from qmtl_site.http.documents import dump


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"a": 1, "b": None}, '{"a":1,"b":null}'),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, '{"at":"2026-01-02T00:00:00Z"}'),
        ({"a": float("nan"), "b": np.float64(0.5), "c": np.int64(3)}, '{"a":null,"b":0.5,"c":3}'),
        ({"by_year": {2026: 0.1}}, '{"by_year":{"2026":0.1}}'),
        ({2026: np.float64(0.5), "at": datetime(2026, 1, 2, tzinfo=UTC)},
         '{"2026":0.5,"at":"2026-01-02T00:00:00Z"}'),
    ],
)  # fmt: skip
def test_plain_values_are_written_whatever_their_keys_are(document: Any, text: str) -> None:
    assert dump(document) == text.encode()


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError):
        dump({"a": object()})
