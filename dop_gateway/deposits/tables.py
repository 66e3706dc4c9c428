"""Tables: the ledger, deposits, suspense and counters."""
