"""a pair beside the phone; from the next deployment on the application writes both

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.encrypt_column("customer", "phone", into="phone_encrypted", run="later")


def downgrade() -> None:
    op.decrypt_column("customer", "phone", into="phone_encrypted")
