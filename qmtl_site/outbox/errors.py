"""What readers of events are refused."""

from __future__ import annotations

from qmtl_site.http.refusals import Refusal


class ServedByStream(Refusal):
    """The web process holds no connections open: each would take one of its few workers away from the API."""

    status, code, title = (
        421,
        "E_STREAM_ELSEWHERE",
        "Event streams and long polls are served by another process",
    )

    def __init__(self, detail: str = "", *, stream_url: str = "") -> None:
        super().__init__(detail, stream_url=stream_url)
        if stream_url:
            self.headers["Link"] = f'<{stream_url}>; rel="alternate"'
