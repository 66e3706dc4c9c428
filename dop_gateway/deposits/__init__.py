"""The ledger, deposits, suspense and counters."""
