"""Source extraction from astronomical images, one by one or by the million.

``extract(path | HDU | array)`` measures one image in this process;
``python -m mr_extract.jobs.extract MANIFEST`` measures every image of a
manifest on any runner.
"""

__version__ = "0.1.0"

__all__ = ["Config", "extract", "__version__"]

_HOMES = {"extract": "mr_extract.notebook.extract", "Config": "mr_extract.settings.config"}


def __getattr__(name: str) -> object:
    # A task that only sorts text must not pay for numpy and astropy.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
