"""A show -> what is wrong with what its pages claim: the accessibility statement, and security.txt; pure."""

from collections.abc import Iterator
from datetime import date, timedelta

from pipeline.check.facts import CONFIG
from pipeline.model import Compliance, Problem, Show, Statement

_FILE = "accessibility.toml"
_YEAR = timedelta(days=366)


def problems(show: Show, *, today: date) -> Iterator[Problem]:
    """Find what the standing pages of a site say that does not hold.

    Source: RFC 9116, section 2.5.5 (Expires); the accessibility regulations of 2018, regulation 8.
    """
    if show.site.statement is not None:
        yield from _claims(show.site.statement, today)
    expires = show.site.security_expires
    if expires is None:
        return
    if show.site.security_contact is None:
        hint = "Say whom to tell of a fault, or take site.security_expires out."
        yield Problem(source=CONFIG, message="site.security_expires without site.security_contact", hint=hint)
    if expires <= today:
        hint = "Set site.security_expires to a day within the next year, once the contact is still right."
        yield Problem(source=CONFIG, message=f"site.security_expires was {expires}", hint=hint, fatal=False)
    elif expires > today + _YEAR:
        hint = "Choose a day within a year."
        yield Problem(source=CONFIG, message="site.security_expires is too far away", hint=hint, fatal=False)


def _claims(said: Statement, today: date) -> Iterator[Problem]:
    is_tested = said.tested_on is not None and said.tested_by and said.tested_how
    if said.status is not Compliance.NONE and not is_tested:
        hint = 'Name tested_on, tested_by and tested_how, or set status = "none" until it was tested.'
        yield Problem(source=_FILE, message=f"claims {said.status} compliance without a test", hint=hint)
    if said.status is Compliance.FULL and any(each.reason != "out of scope" for each in said.barriers):
        hint = 'Set status = "partial", or take out the barriers that are gone.'
        yield Problem(source=_FILE, message="claims full compliance, and lists barriers", hint=hint)
    if said.status is Compliance.PARTIAL and not said.barriers:
        hint = "List each under [[barriers]]: the law asks for it."
        yield Problem(source=_FILE, message="claims partial compliance, and lists no barrier", hint=hint)
    for name in ("prepared_on", "reviewed_on", "tested_on"):
        day: date | None = getattr(said, name)
        if day is not None and day > today:
            yield Problem(source=_FILE, message=f"{name} has not come yet", hint="Write the day on which it was done.")
    last = max(day for day in (said.prepared_on, said.reviewed_on) if day)
    if last + _YEAR < today:
        hint = "Look at the site and the statement again, then set reviewed_on."
        yield Problem(source=_FILE, message=f"was last looked at on {last}", hint=hint, fatal=False)
