"""The table `envelope.key`, by SQL: where key-encryption keys lie wrapped."""

from .schema import install, installed_version
from .store import SqlKeyStore

__all__ = ["SqlKeyStore", "install", "installed_version"]
