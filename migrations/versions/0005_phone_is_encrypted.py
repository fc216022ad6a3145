"""what `sqlalchemy-envelope backfill customer.phone` left, which is nothing on a big table; then the proof

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.backfill_column("customer", "phone", into="phone_encrypted")
    op.assert_encrypted("customer", "phone", into="phone_encrypted")


def downgrade() -> None:
    pass  # pairs that are there do no harm
