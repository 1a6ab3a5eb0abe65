"""Indices for what is asked with each order, so that years of history make none of it slower.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UNREAD = sa.text("read_at IS NULL")
_IN_A_LIST = sa.text("list_client_id != ''")


def upgrade() -> None:
    """Create them."""
    lists = ["broker_id", "list_client_id"]
    op.create_index("ix_orders_list", "orders", lists, sqlite_where=_IN_A_LIST, postgresql_where=_IN_A_LIST)
    op.create_index("ix_positions_closed", "positions", ["broker_id", "closed_at"])
    op.create_index("ix_brackets_status", "brackets", ["status", "broker_id"])
    op.create_index("ix_strangers_status", "strangers", ["status", "broker_id"])
    op.create_index("ix_notifications_unread", "notifications", ["user_id"], sqlite_where=_UNREAD, postgresql_where=_UNREAD)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_notifications_unread", "notifications")
    op.drop_index("ix_strangers_status", "strangers")
    op.drop_index("ix_brackets_status", "brackets")
    op.drop_index("ix_positions_closed", "positions")
    op.drop_index("ix_orders_list", "orders")
