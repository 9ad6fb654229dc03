"""Jobs: kernels, storage and text contracts composed for mrjob.

The only package that imports mrjob. mrjob needs modules that newer Pythons
lack; its own copies come with setuptools (``distutils``) and standard-pipes
(``pipes``), of which the first must be imported where no site folder did so.
"""

try:
    import distutils  # noqa: F401
except ImportError:
    import setuptools  # noqa: F401
