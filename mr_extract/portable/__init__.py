"""Functions of arrays that have the same digits on every machine.

Libraries differ in the last digit of what is no sum, product, quotient or square root, and numpy
and BLAS by what a processor has.
"""
