"""How alembic runs: always on the connection and in the transaction that `gatekeeper.stores.schema` gives it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
