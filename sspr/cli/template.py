"""`sspr template [NAME]`"""

from __future__ import annotations

import click

from sspr.input import profiles, templates

_OF_THE_SAMPLE = "The sample of sspr demo: administrators of many countries, good rows and bad ones"


@click.command(name="template")
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the input templates, or print one: the header of an export as sspr recognises it."""
    if name is not None:
        click.echo(templates.text(name), nl=False)
        return 0
    titles = {name: profile.title for name, profile in profiles.every().items()}
    titles[templates.SAMPLE] = _OF_THE_SAMPLE
    width = max(map(len, titles))
    for each in sorted({*titles, *templates.names()}):
        click.echo(f"{each:{width}}  {titles.get(each, '')}".rstrip())
    return 0
