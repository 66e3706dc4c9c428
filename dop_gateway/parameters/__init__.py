"""Dated parameters: what is shipped, and what a deployment sets for its own dates.

`store.table` gives the one table that the rest of the gateway asks.
"""
