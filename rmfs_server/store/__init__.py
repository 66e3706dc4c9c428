"""The database of the recharge server; all of its SQL is in this package.

Start with `schema` (what is kept), then `ledger` (how money moves), then the files that
are named after a table each.
"""

from rmfs_server.store.engine import CommitHook, NoHook, Store, open_store

__all__ = ["CommitHook", "NoHook", "Store", "open_store"]
