"""Alembic's entry: migrates on the connection that `open_engine` hands over."""

from alembic import context

from myna.network.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
