"""rollbacks: what a deployment repeats, and pins"""

import sqlalchemy as sa
from alembic import op

from control_plane.tables import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("script", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("script"),
    )
    op.create_index("ix_pins_app_id", "pins", ["app_id"])
    op.add_column("deployments", sa.Column("source", sa.String(), server_default="pipeline", nullable=False))
    op.add_column("deployments", sa.Column("repeats", sa.BigInteger(), nullable=True))
    op.add_column("deployments", sa.Column("upload", sa.BigInteger(), nullable=True))
    op.execute("UPDATE deployments SET upload = id WHERE bundle IS NOT NULL")
