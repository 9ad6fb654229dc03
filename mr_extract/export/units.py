"""Units as the standards of tables spell them."""


def unit_in(standard: str, text: str) -> str | None:
    """Return a unit as a standard of astropy spells it, None where it has none of that name."""
    from astropy.units import Unit

    try:
        return Unit(text).to_string(standard) if text else None
    except ValueError:
        return None
