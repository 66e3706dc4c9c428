"""The gateway's database as a whole: one schema, one chain of versions.

Each feature keeps its tables in its own `tables.py` and all of its SQL beside them;
`schema` brings them together for migrations.
"""
