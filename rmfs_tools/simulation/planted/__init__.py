"""Planted bugs: small changes of the product's text that the simulation must find.

A simulation that finds nothing may be blind. So mistakes that programmers make are kept
as data, in `catalogue`: the text of the product, and the text that it would be with the
mistake. `planting` makes a copy of the packages with one mistake in it, `hunting` runs
the simulation there, in a process of its own. The product has no switch for any of it.
"""
