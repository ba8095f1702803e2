"""`sspr template [NAME]`"""

from __future__ import annotations

import click

from sspr.input import templates


@click.command(name="template")
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the input templates, or print one."""
    if name is None:
        for each in templates.names():
            click.echo(each)
    else:
        click.echo(templates.text(name), nl=False)
    return 0
