"""no plaintext columns; what lingers in the files is for `sqlalchemy-envelope purge`

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_plaintext("customer", "email")
    op.drop_plaintext("customer", "phone", into="phone_encrypted")


def downgrade() -> None:
    op.restore_plaintext("customer", "phone", into="phone_encrypted")
    op.restore_plaintext("customer", "email")
