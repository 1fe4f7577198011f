"""The service over HTTP: blocking and asyncio clients over one description of its endpoints.

>>> from qmtl.client import Client
>>> with Client() as qmtl:                      # QMTL_URL and QMTL_TOKEN, or what `qmtl login` wrote
...     for world in qmtl.worlds():
...         print(world.id, world.state)
"""

from qmtl.client import documents, errors
from qmtl.client.calls import Call, Negotiated, Pages
from qmtl.client.client import AsyncClient, Client
from qmtl.client.config import Config, ConfigWarning, config_path, load_config, save_config
from qmtl.client.conversation import Retries
from qmtl.client.decoding import Document
from qmtl.client.errors import (
    BadInput,
    ConfigError,
    QmtlError,
    Refused,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from qmtl.client.nearest import nearest, not_there

__all__ = [
    "AsyncClient",
    "BadInput",
    "Call",
    "Client",
    "Config",
    "ConfigError",
    "ConfigWarning",
    "Document",
    "Negotiated",
    "Pages",
    "QmtlError",
    "Refused",
    "Retries",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "config_path",
    "documents",
    "errors",
    "load_config",
    "nearest",
    "not_there",
    "save_config",
]
