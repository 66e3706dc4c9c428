"""FMP/1: what a franking machine and its recharge server must agree on.

Nothing here does I/O, reads a clock or draws random numbers: octets, times and entropy
come in as arguments. `SPEC.md` in this folder is the normative text.
"""
