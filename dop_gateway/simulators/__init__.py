"""Those whom the gateway talks to, so that all of it runs on one computer.

Each is a program of its own and speaks through the port that the real one has; the
gateway does not know the difference. Part of the product: demonstrations use them too.

Source: GW-12; requirements, section 10.
"""
