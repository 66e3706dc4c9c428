"""The panel of a machine: display, keys, lamps, and the programs that show them.

    facts.py      what of the machine a panel may show, at one moment
    keys.py       the keys, and what else a panel hears
    wishes.py     what the panel wants done, as data
    choices.py    the screens, and the lists that an operator chooses from
    state.py      what a panel remembers
    replies.py    what it does upon each key and each piece of news: pure
    screens.py    the table of screens: pure, (state, event, facts) -> (state, wishes)
    display.py    how large the display is
    pages.py      the lines of each screen: pure
    view.py       what display, lamps and soft keys show: pure
    actions.py    what each wish does at a machine
    driver.py     a panel on a machine
    lines.py      dial-ins in real time
    frames.py     the line's frames as words
    terminal.py   all of it in a terminal; its look is terminal.tcss
    cli.py        the command

Nothing up to `view` knows a machine's inside or a terminal: the same panel can stand on
a page. Why it is so: docs/decisions/panel.md.
"""
