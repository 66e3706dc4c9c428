"""The ledger's SQLite file under power failure: recorded, cut everywhere, recovered.

The product's own books run on a file whose every write, truncate, sync and delete is
recorded (`vfs`, `driver`, `workload`). After each of these operations the power fails
in thought (`disk`, `survivors`); what may be left is put on a real disk, opened with
stock SQLite, and looked at (`examine`, `run`). docs/ledger-file.md tells the model.
"""
