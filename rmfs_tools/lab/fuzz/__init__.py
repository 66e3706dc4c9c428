"""Fuzzing in campaigns: units to play on, rounds, what was found, replays, promotion.

What is drawn and how it is judged is in `hw.lab.fuzz`. Here it meets units: the product
in virtual time, a faulty one of the zoo, or a real one at its line. `campaigning` plays
rounds and shrinks what is found; `fuzz_folder` keeps it, `replaying` plays it again,
`promoting` makes a case of the catalogue of it.
"""
