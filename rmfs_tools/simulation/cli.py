"""`rmfs simulate`: the whole system from one seed, and what belongs to it."""

import click


def add_commands(root: click.Group) -> None:
    """Bring the commands about simulations."""
    root.add_command(simulate_group)


@click.group("simulate", epilog="\b\nExample:\n  rmfs simulate cuts --json")
def simulate_group() -> None:
    """Show that no paisa is lost, whatever the line, the power or a person does."""
