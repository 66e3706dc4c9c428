"""The firmware around the PSD: rules of the panel, the start, updates, faults, dates.

Rules of the PSD are not repeated here: the firmware asks, and shows the answer. What
stands here is data and pure functions: whoever drives the machine hands in what its
sensors, clocks and memories say, and carries out what comes back.

Start with `boot` (power-on to ready), then `faults` (what stands in the way of a
frank), `update` (which firmware runs), `dates` (which day a frank shows) and `dialling`
(what may be dialled for).
"""
