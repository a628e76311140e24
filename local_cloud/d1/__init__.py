"""D1: SQLite databases that do what D1's do, and refuse what those refuse."""

from local_cloud.d1.database import D1Error, Query, Result, bookmark
from local_cloud.d1.files import Databases
from local_cloud.d1.statements import split

__all__ = ["D1Error", "Databases", "Query", "Result", "bookmark", "split"]
