"""Everything that passes on a line, seen: recorded, read again, tapped, decoded.

`tap` cuts the octets of both directions into frames and writes them to a capture;
`lines` puts it beside a line that the product itself uses, `ports` between two serial
ports that only listen. `reading` reads captures, `decoding` says what the frames mean,
as far as a key log (`keylog`) allows.
"""
