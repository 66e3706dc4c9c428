"""`rmfs dop openapi`: the description of the API."""

import click


@click.command(epilog="\b\nExample:\n  rmfs dop openapi > docs/openapi.json")
def openapi() -> None:
    """Print the description of the API (OpenAPI 3.1); no gateway has to be there."""
    from dop_gateway.web.app import describe_api
    from dop_gateway.web.documents import write_document

    click.echo(write_document(describe_api()), nl=False)
