"""Data of strategies, as a world's presets declare it."""

from qmtl.sdk.data.provider import Provider, choose, data_folder, load, provider_of

__all__ = ["Provider", "choose", "data_folder", "load", "provider_of"]
