"""Reports to postal authorities: sums of what is kept elsewhere, by jurisdiction.

Nothing is stored here. A report asks the same rows as the lists of the features, for
some days, within what somebody's roles reach, and adds them up: by licence, Division,
Region, Circle, maker, day or class.
"""
