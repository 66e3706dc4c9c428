"""Oracles: what must hold whatever happens, seen through `simulation.observations`.

They were written from the clauses REG and DLG of `protocol/SPEC.md` and share no line
with the product: messages are decoded here again, the judgement of a STATEMENT is
written down again, the balances are added up again. import-linter holds this: nothing
but the standard library, `observations` and `violations` is imported.

`docs/properties.md` is the catalogue of what is looked at, and of what cannot be seen.
"""

from rmfs_tools.simulation.oracle.oracle import Oracle

__all__ = ["Oracle"]
