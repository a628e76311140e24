"""How Alembic reaches the database: by the connection that `control_plane.migration` gives it."""

from alembic import context

from control_plane.billing import tables as billing  # noqa: F401 - so that the metadata has them
from control_plane.tables import Table
from control_plane.usage import tables as usage  # noqa: F401 - so that the metadata has them

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    user_module_prefix="",
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
