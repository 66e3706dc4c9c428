"""Usage: what machines say that they have franked, each word of it signed by them.

`service.apply` takes a usage file of a maker, `judging` says why a line is refused,
`listing` shows usage by machine, day and class.
"""
