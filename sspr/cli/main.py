"""The command line's door: finds the verb, turns every outcome into an exit code and one or two sentences."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import cast

import click

from sspr import __version__
from sspr.errors import SsprError

# verb → what it does, as the help lists it. A verb's module is imported when it is used: `check` needs
# nothing that knows a tenant.
VERBS = {
    "check": "Read and validate the rows; needs no tenant and no network.",
    "plan": "Check, then read the tenant and show what would change.",
    "apply": "Carry out a kept plan and nothing else.",
    "run": "Plan, apply in rate-limited batches, read back, check the flag.",
    "resume": "Go on with a run that stopped, whatever stopped it.",
    "undo": "Put back what a run changed, where nobody has changed it since.",
    "runs": "What was run, when, by whom, with what outcome.",
    "feature": "The tenant-wide flag: administrators may reset their password.",
    "doctor": "What the credential may and may not do, and what is missing for a run.",
    "template": "List the input templates, or print one.",
    "simulate": "Serve the simulated tenant on loopback until stopped.",
    "demo": "The whole job on the sample input against the simulated tenant.",
}

DONE, NEEDS_A_PERSON, COULD_NOT_START, STOPPED = range(4)


class _Verbs(click.Group):
    """Lists the verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click gives it
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click gives it
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"sspr.cli.{cmd_name}").command
        return cast("click.Command", command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click gives it
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sspr")
def sspr() -> None:
    """Bulk onboarding of Microsoft 365 administrators to self-service password reset.

    Exit codes: 0 done; 1 done, but some rows need a person or the flag is off; 2 could not start, nothing was
    touched; 3 stopped before the end, `sspr resume` goes on.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns its exit code; never lets a traceback out."""
    try:
        result = sspr.main(args=arguments, prog_name="sspr", standalone_mode=False)
        return result if isinstance(result, int) else DONE
    except SsprError as error:
        return _say(str(error), error.exit_code)
    except click.ClickException as error:
        hint = (
            f" See `{error.ctx.command_path} --help`."
            if isinstance(error, click.UsageError) and error.ctx
            else ""
        )
        return _say(f"{error.format_message()}{hint}", COULD_NOT_START)
    except (KeyboardInterrupt, click.Abort):
        return _say("Interrupted. `sspr resume` goes on with a run that had begun.", STOPPED)
    except BrokenPipeError:
        sys.stderr.close()
        return STOPPED
    except Exception as error:  # noqa: BLE001 - a person is never shown a traceback, and a text may hold contact data
        place = _place(error)
        return _say(
            f"A fault in sspr itself: {type(error).__name__} at {place}. Nothing is lost: `sspr resume` goes on. "
            "Please report it with this line.",
            STOPPED,
        )


def _place(error: BaseException) -> str:
    """File and line of the fault; the error's text is left out, for it may quote contact data."""
    trace, place = error.__traceback__, "unknown"
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("sspr"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _say(text: str, code: int) -> int:
    click.echo(f"sspr: {text}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
