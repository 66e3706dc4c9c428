"""The formal model of the recharge: run, refuted, mapped and replayed.

The model itself is `protocol/model/*.pml`. Here it is checked exhaustively with Spin
(`spin`), in the configurations and with the planted mistakes that `configurations`
lists; `steps` compares it with the state tables and SPEC.md; `replay` takes a
counterexample step by step through the real code.
"""
