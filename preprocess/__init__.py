"""Tools that work before an extraction: simulated nights, manifests and what is made from them.

Each sub-command of ``python -m preprocess`` is one module with ``add_arguments`` and ``run``.
"""
