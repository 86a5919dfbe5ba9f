"""The work of `build`, which `publish` and `preview` begin with too."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.cli.context import Context

if TYPE_CHECKING:
    from pipeline.build import Built
    from pipeline.workspace import Workspace

PROCESSORS_OF_A_RECORDING = 4  # more are not all used by one recording: two are mastered at the same time


def build_all(
    context: Context,
    where: "Workspace",
    *,
    slugs: tuple[str, ...] = (),
    jobs: int | None = None,
    force: bool = False,
    around: bool = False,
) -> "Built":
    """Build a workspace with as many recordings at a time as the processors allow.

    Args:
        context: whose screen is told.
        where: the workspace.
        slugs: the drafts to work at; all, where none is named.
        jobs: processors to use; all of them otherwise.
        force: whether to master again what the cache has.
        around: whether to leave out the episodes with which something is wrong.

    Raises:
        MediaError: something must be mended first.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415
    from os import cpu_count  # noqa: PLC0415

    from pipeline.build import release  # noqa: PLC0415

    jobs = jobs or cpu_count() or 1
    workers = max(1, jobs // PROCESSORS_OF_A_RECORDING)
    with context.screen.report() as report, ThreadPoolExecutor(max_workers=workers) as executor:
        now = datetime.now(UTC)
        return release(
            where, now=now, executor=executor, report=report, slugs=slugs, force=force, jobs=jobs, around=around
        )
