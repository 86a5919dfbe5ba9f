"""Fixtures that more than one test file uses."""

from collections.abc import Iterator

import pytest

from tests import seaweed


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweed.Seaweed]:
    """Run a real object store for the whole session."""
    with seaweed.start(tmp_path_factory.mktemp("seaweed")) as store:
        yield store
