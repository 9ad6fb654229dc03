"""The border to SExtractor: its configuration files, its names, its catalogues.

Facts about SExtractor stand in three tables: `keywords` (what a ``.sex`` file can
say), `parameters` (what a ``.param`` file can ask for) and `flags`. Whatever
crosses the border is read by `syntax` and `files`, brought over by `configuration`
and `convert`, and written by `text` and `ldac`. Outside of this package nobody
knows how SExtractor calls or counts anything.
"""

FORMATS = ("ascii", "ascii_head", "fits_1.0", "fits_ldac")
