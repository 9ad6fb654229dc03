"""Jobs: kernels, storage and text contracts composed for mrjob.

The only package that imports mrjob, which needs two modules that newer Pythons
lack: ``distutils`` (3.12) and ``pipes`` (3.13). They come from standard-distutils
and standard-pipes. A third, ``yaml``, it needs for its own configuration alone.
"""

import sys
import warnings
from importlib.util import LazyLoader, find_spec, module_from_spec


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
_import_yaml_when_used()
