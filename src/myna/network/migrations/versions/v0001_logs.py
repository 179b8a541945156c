"""The two logs and the records beside them."""

from alembic import op

from myna.network.schema import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The first migration is the schema as it stands at the first release; later ones spell out their changes.
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
