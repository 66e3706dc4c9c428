"""Every rupee explained: three balances of each licence against what others tell.

`explaining` is pure: what is known of a licence comes in, differences with their
explanations come out. `gathering` reads what is known; `reconciling` does it for all
licences of a day, keeps what it found, and tells incidents.

Source: domain notes, section 7.5; RMFS-13, RMFS-29, RMFS-32, RMFS-33.
"""
