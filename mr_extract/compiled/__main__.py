"""Say whether there are compiled kernels."""

from mr_extract.compiled import kernels, why_not

if kernels:
    print(f"compiled kernels: {kernels.__file__}")
else:
    print(f"no compiled kernels, Python does their work: {why_not}")
