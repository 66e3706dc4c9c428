"""Deposits at the counters of post offices: receipts, cheques, the end of the day."""
