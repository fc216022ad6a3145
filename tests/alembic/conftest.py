"""What the tests of Alembic share: an environment on a database of its own."""

from pathlib import Path

import pytest

from ..fixtures.postgresql import Database
from .project import Project


@pytest.fixture
def project(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty environment; keys come from its options alone."""
    monkeypatch.delenv("SECRETS_ENCRYPTION_KEY", raising=False)
    monkeypatch.delenv("KMS_KEY_ARN", raising=False)
    folder = tmp_path / "alembic"
    folder.mkdir()
    return Project(folder, database)
