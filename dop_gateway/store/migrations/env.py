"""Alembic's environment: migrate on the connection that `migrate` gives."""

from alembic import context

from dop_gateway.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
