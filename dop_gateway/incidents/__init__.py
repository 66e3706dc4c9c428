"""Incidents of the central resource: what is wrong, who acts, what was done.

Whoever finds something wrong calls `service.report`; as long as that incident is not
closed, finding it again changes nothing but the moment at which it was last seen.

Source: RMFS-29; issue of the exchange: a file missing, a total that does not tally, a
difference that nothing explains.
"""
