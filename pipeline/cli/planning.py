"""A plan -> what a person, or another program, is shown of it before anything is done."""

from collections.abc import Sequence
from typing import Any

from pipeline import publish
from pipeline.cli.screen import Screen, size_text
from pipeline.errors import StorageError
from pipeline.model import Plan, is_search_part

SHOWN_ROWS = 20
_HEADINGS = ("Why", "File", "Size", "Requests")


def show_plan(plan: Plan, address: str, screen: Screen) -> None:
    """Print a plan: its sum, a table of what is sent and removed, and what it costs."""
    if plan.is_empty:
        screen.say(f"Nothing changed: {address} already holds these {count(plan.unchanged)}.")
        return
    size = size_text(sum(put.asset.size for put in plan.puts))
    screen.say(
        f"To {address}: {count(len(plan.puts))} to send ({size}), {count(len(_site_deletes(plan)))} to remove, "
        f"{plan.unchanged} unchanged."
    )
    rows = _rows(plan)
    shown = rows if screen.verbose or len(rows) <= SHOWN_ROWS else rows[: SHOWN_ROWS - 1]
    screen.table(_HEADINGS, shown)
    for slug in _gone(plan):
        screen.error_line(
            f"Warning: the page /episodes/{slug}/ goes: links to it, and embeds of it, will find nothing."
        )
    if len(shown) < len(rows):
        screen.say(f"  … and {len(rows) - len(shown)} more (--verbose shows all)")
    if address.startswith("s3:"):
        screen.say(_cost(plan))


def plan_json(plan: Plan, address: str) -> dict[str, Any]:
    """Describe a plan for another program: every key with its reason, bytes and requests."""
    cost = publish.cost(plan)
    return {
        "store": address,
        "puts": [
            {
                **put.asset.as_json(),
                "reason": put.reason.value,
                "bytes": put.asset.size,
                "requests": publish.requests(put.asset),
            }
            for put in plan.puts
        ],
        "deletes": list(_site_deletes(plan)),
        "unchanged": plan.unchanged,
        "kept": [asset.key for asset in plan.keeps],
        "dropped": [key for key in plan.deletes if key.startswith(publish.OWN)],
        "requests": cost.requests,
        "bytes": cost.size,
        "usd": round(cost.usd, 6),
        "usd_per_month": round(cost.usd_per_month, 6),
    }


def check_deletes(plan: Plan, most: int, source: str) -> None:
    """Refuse a plan that removes more of the site than a person would expect; parts of the search index do not count.

    Raises:
        StorageError: it removes more than `most` files.
    """
    number = sum(not is_search_part(key) for key in _site_deletes(plan))
    if number > most:
        hint = f"see with --dry-run --verbose what would go; if that is meant: --max-deletes {number}"
        raise StorageError(f"{number} files would be removed, and at most {most} may", source=source, hint=hint)


def count(number: int) -> str:
    """Write how many files."""
    return f"{number} file" if number == 1 else f"{number} files"


def _rows(plan: Plan) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        (put.reason.value, put.asset.key, size_text(put.asset.size), str(publish.requests(put.asset)))
        for put in plan.puts
    ]
    return rows + [("remove", key, "", "1") for key in _site_deletes(plan)]


def _site_deletes(plan: Plan) -> tuple[str, ...]:
    return tuple(key for key in plan.deletes if not key.startswith(publish.OWN))


def _cost(plan: Plan) -> str:
    cost = publish.cost(plan)
    return (
        f"About {cost.requests} requests; at Amazon's list prices for London {_usd(cost.usd)} once, and "
        f"{_usd(cost.usd_per_month)} a month for what is sent."
    )


def _usd(amount: float) -> str:
    return f"{amount:.2f} USD" if amount >= 0.01 else "less than 0.01 USD"  # noqa: PLR2004  a cent


def _gone(plan: Plan) -> list[str]:
    parts = [key.split("/") for key in plan.deletes]
    return [part[1] for part in parts if len(part) == len(("episodes", "slug", "index.html")) and part[0] == "episodes"]
