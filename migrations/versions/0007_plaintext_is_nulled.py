"""no values in the plaintext columns; the application no longer knows them

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.null_plaintext("customer", "email")
    op.null_plaintext("customer", "phone", into="phone_encrypted")


def downgrade() -> None:
    op.restore_plaintext("customer", "phone", into="phone_encrypted")
    op.restore_plaintext("customer", "email")
