"""The whole system in one process and in simulated time, from one seed.

Machines, lines, server, database and Department are the product's own parts; time, the
telephone network, memories, process lives and the people around them are simulated. A
`plan` is made from a seed, a `world` carries it out, an `oracle` that knows nothing of
the product's code looks at whatever happens.
"""
