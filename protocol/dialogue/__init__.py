"""The dialogue of one dial-in, both sides, as state tables (SPEC.md DLG)."""
