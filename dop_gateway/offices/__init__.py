"""The one tree of offices: what scopes, routes and reports stand on.

Directorate, Circle, Region, Division, Sub-Division, head office, sub office, branch
office. Start with `model`; `store` has the SQL for some offices, `bulk_store` that for
all of them. `reading`, `planning` and `importing` bring the public PIN directory in,
`codes` the codes that it does not tell.
"""
