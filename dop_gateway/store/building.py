"""Where every feature adds its tables."""

from functools import partial
from typing import Final

from hw.database.tables import table as table_of
from hw.database.tables import tables

metadata: Final = tables()
table: Final = partial(table_of, metadata)
