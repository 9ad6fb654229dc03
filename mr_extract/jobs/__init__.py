"""Jobs: kernels, storage and text contracts composed for mrjob.

The only package that imports mrjob, which needs two modules that newer Pythons
lack: ``distutils`` (3.12) and ``pipes`` (3.13). They come from standard-distutils
and standard-pipes. Two it hardly uses, and each would take as long as all the rest of it
to load: ``yaml``, for its configuration, and ``urllib.request``, for clouds.
"""

import sys
import warnings
from importlib import import_module
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


def _import_distutils():
    # Where setuptools is installed it puts its own distutils first, and all of
    # itself with it: a process would start as slowly again as numpy loads.
    try:
        from _distutils_hack import add_shim, remove_shim
    except ImportError:
        add_shim = remove_shim = None
    if remove_shim:
        remove_shim()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import distutils.version  # noqa: F401
        except ImportError:
            if not add_shim:
                raise
            add_shim()
            import distutils.version  # noqa: F401


class _Functions(ModuleType):
    """Stands for a module whose functions are there and, as a rule, not called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **more: getattr(import_module(self.__name__), name)(*args, **more)


def _import_url_functions_when_used():
    # With it come http, ssl and email: a fifth of the start of a task, and megabytes.
    if "urllib.request" in sys.modules:
        return
    sys.modules["urllib.request"] = _Functions("urllib.request")
    try:
        import mrjob.py2  # noqa: F401
    finally:
        del sys.modules["urllib.request"]


def _import_yaml_when_used():
    spec = None if "yaml" in sys.modules else find_spec("yaml")
    if spec is None or spec.loader is None:
        return
    sys.modules["yaml"] = None  # type: ignore[assignment]  # so mrjob does without
    import mrjob.conf

    spec.loader = LazyLoader(spec.loader)
    mrjob.conf.yaml = sys.modules["yaml"] = module_from_spec(spec)
    spec.loader.exec_module(mrjob.conf.yaml)


_import_distutils()
_import_url_functions_when_used()
_import_yaml_when_used()
