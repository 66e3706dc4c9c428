"""The zoo: machines and servers with one defect each, and the cases that catch them.

A catalogue of cases that nothing fails may be blind. So each unit here is the product
with one realistic mistake in it, kept as a change of its text (`machines.toml`,
`servers.toml`), and the catalogue has to find each of them, by a case that names the
clause, which the product itself passes.
"""
