"""Franks: is a scanned one genuine, was it seen before, and may it be here.

`verifying.verify` gives every finding, the worst first; `store` remembers what was
seen, so that no frank pays twice and none is refunded twice.
"""
