"""A podcast publishing pipeline: recordings of learning sets in, a published feed and site out."""

from collections.abc import Callable, Mapping
from importlib import import_module

__version__ = "0.1.0"


def on_first_use(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """Make a package's `__getattr__`, which imports what is heavy only when it is asked for (PEP 562).

    Args:
        package: the package's name.
        modules: for each name that the package offers so, the module of the package that has it.
    """

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{modules[name]}"), name)
        return value

    return find
