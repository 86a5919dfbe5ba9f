"""Fixtures that more than one test file uses."""

from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

import pipeline
from pipeline import publish
from pipeline.cache import Cache
from pipeline.model import StorageSettings
from tests import browser as browsing
from tests import network as networks
from tests import seaweed, serving, stores
from tests import swift as swift_store

# A busy machine is no failure: no example is timed. `make test` tries the same ones everywhere, `make soak` others.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("others", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
for found in walk_packages(pipeline.__path__, "pipeline."):  # Hypothesis also tries what stands in modules that are
    import_module(found.name)  # loaded: all are, so that it does not matter which tests ran before


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweed.Seaweed]:
    """Run a real object store for the whole session."""
    with seaweed.start(tmp_path_factory.mktemp("seaweed")) as store:
        yield store


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[swift_store.Swift]:
    """Run another real object store, which honours less, for the whole session."""
    with swift_store.start(tmp_path_factory.mktemp("swift")) as store:
        yield store


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Name the folder of a build."""
    return tmp_path / "site"


@pytest.fixture
def folder_store(tmp_path: Path) -> publish.DirectoryStore:
    """Open a folder that does not exist yet."""
    store = publish.open_store(StorageSettings(url="file:./public"), workspace=tmp_path)
    assert isinstance(store, publish.DirectoryStore)
    return store


@pytest.fixture
def as_publisher(s3: seaweed.Seaweed, monkeypatch: pytest.MonkeyPatch) -> seaweed.Seaweed:
    """Sign in to the real store, as a person does: by the environment."""
    stores.sign_in(monkeypatch, s3.access_key, s3.secret_key)
    return s3


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a browser for the whole session; each test opens windows of its own in it."""
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[networks.Network]:
    """Build the sample network of thirty episodes and serve it."""
    root, port = tmp_path_factory.mktemp("network"), serving.free_port()
    files: dict[str, Path] = {}
    with closing(Cache(root / ".cache")) as cache:
        edition = networks.edition(f"http://localhost:{port}/", cache, files)
        site = networks.write(edition, files, root, cache)
    with serving.serving(site, port) as url:
        yield networks.Network(url, site, edition)
