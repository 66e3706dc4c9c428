"""Databases: opened safely, with column types and statements that both engines share.

The recharge server and the Department's gateway each keep books of their own on it.
"""

from hw.database.opening import CommitHook, NoHook, Store, TakenError, open_store

__all__ = ["CommitHook", "NoHook", "Store", "TakenError", "open_store"]
