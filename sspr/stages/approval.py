"""Whether a person is asked between the plan and the first write, and what they are asked. Pure.

What is approved is a plan, known by its digest. What of it has moved in the tenant by the time of the writing is not
written: `changed_since_plan` (`sspr.stages.compare`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sspr.errors import CannotStart, SsprError, Stopped
from sspr.settings import TenantSettings
from sspr.stages.planned import Plan, example_line, replacements, totals


class Refused(CannotStart):
    """A person said no to the plan. It is kept."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a person is asked. `always`, or: where more than `above` administrators are to be written (None: that is
    no reason), and where a value of a Global Administrator makes way for another.
    """

    always: bool = False
    above: int | None = None
    global_administrators: bool = False

    @property
    def never(self) -> bool:
        """Whether nobody is asked, whatever the plan is."""
        return self == Rules()


def rules_for(wanted: str, tenant: TenantSettings | None) -> Rules:
    """The rules for a run. `wanted`: `policy` (as the tenant's settings say), `required` or `none`; `tenant`: its
    settings, None for the built-in simulated one, for which nobody need be asked.

    What a tenant requires, a run cannot do without: `none` stands in for the tenant's `policy` only.
    """
    configured = tenant.approval if tenant else "none"
    if "required" in (wanted, configured):
        return Rules(always=True)
    if tenant is None or "none" in (wanted, configured):
        return Rules()
    return Rules(above=tenant.approval_above, global_administrators=tenant.approval_global_administrators)


def why_asked(rules: Rules, plan: Plan) -> str:
    """Why a person is asked about this plan, in a sentence; empty where nobody is."""
    if rules.always:
        return "The run, or the settings of the tenant, ask for approval."
    if rules.global_administrators and plan.global_replaced:
        whom = "a Global Administrator" if plan.global_replaced == 1 else (
            f"{plan.global_replaced:,} Global Administrators")  # fmt: skip
        return f"A value that {whom} had would be replaced."
    if rules.global_administrators and plan.unknown_replaced:
        return (f"Values of {plan.unknown_replaced:,} accounts would be replaced, and it could not be read whether "
                "a Global Administrator is among them (RoleManagement.Read.Directory).")  # fmt: skip
    if rules.above is not None and plan.administrators > rules.above:
        return f"More than {rules.above:,} administrators would be written."
    return ""


def refusal(run_id: str, *, begun: bool) -> SsprError:
    """What a run ends with where a person says no. `begun`: some of its rows are written already."""
    if begun:
        return Stopped(f"Not approved: nothing more was written. `sspr resume {run_id}` asks again.")
    return Refused(f"Not approved: nothing was written. `sspr apply {run_id}` carries the plan out.")


def page(plan: Plan, heading: str, folder: Path, sources: Mapping[int, str]) -> str:
    """The plan as a page of Markdown, for whoever is to say yes or no. Values are masked.

    `heading`: which run this is, and why it is asked about; `sources`: the name of each input file, by its number.
    """
    examples = [f"- {example_line(each, sources[each.row.source])}" for each in plan.examples]
    more = plan.administrators - len(plan.examples)
    if examples and more:
        examples.append(f"- … and {more:,} more")
    where = (
        f"Every row with its values: `{folder / 'results.csv'}` on the worker's machine. Nothing is written yet. "
        "What moves in the tenant until it is written is left alone and reported as `changed_since_plan`."
    )
    paragraphs = [
        f"**{totals(plan)}**",
        heading,
        replacements(plan),
        "\n".join(examples),
        where,
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"
