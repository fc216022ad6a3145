"""the pair is what is true; the application may read it from now on

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.swap_encrypted("customer", "phone", into="phone_encrypted")


def downgrade() -> None:
    op.unswap_encrypted("customer", "phone", into="phone_encrypted")
