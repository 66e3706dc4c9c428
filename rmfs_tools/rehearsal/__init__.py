"""`rmfs dop rehearse`: the Department, makers, their machines and a bank for weeks.

Everything that decides about money is the product's own: gateway, recharge servers,
machines with their security devices, signed files. Simulated are the time, the lines
and people, the mistakes that are put in, and nothing else.
"""
