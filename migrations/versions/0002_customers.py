"""customers, in plain text, as the application had them before

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-24 12:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.chinook import customers

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    customer = op.create_table(
        "customer",
        sa.Column("customer_id", sa.Integer(), primary_key=True),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("email", sa.String(60), nullable=False),
        sa.Column("phone", sa.String(24)),
    )
    op.bulk_insert(customer, customers())


def downgrade() -> None:
    op.drop_table("customer")
