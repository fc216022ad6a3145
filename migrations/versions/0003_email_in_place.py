"""the model says EncryptedText: one line moves the column, under its own name

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.encrypt_column("customer", "email")


def downgrade() -> None:
    op.decrypt_column("customer", "email")
