"""The database of the recharge server; all of its SQL is in this package.

Start with `schema` (what is kept), then `ledger` (how money moves), then the files that
are named after a table each.
"""
