"""Colours by which the greens of several classes can be told apart. Nothing here knows Qt or napari."""

from __future__ import annotations

# Seven of Okabe and Ito's eight colours (Color Universal Design, 2008), which nearly all can tell apart; black is left
# out, and vermillion and orange come last, since they are near to red.
OKABE_ITO = ("#009e73", "#56b4e9", "#f0e442", "#cc79a7", "#0072b2", "#e69f00", "#d55e00")
DARKEST = 0.4
"""Part of a colour map left out at its dark end, which could not be seen on black."""


def class_colours(count: int) -> list[str]:
    """Choose a colour for the green of each class.

    Parameters
    ----------
    count : int
        Classes of the model, drawn or not, so that each keeps its colour.

    Returns
    -------
    list of str
        As `#rrggbb`; for up to seven classes those of Okabe and Ito, for more
        evenly spaced ones of viridis, which is uniform to the eye.

    Examples
    --------
    >>> class_colours(2), len(set(class_colours(41)))
    (['#009e73', '#56b4e9'], 41)
    """
    if count <= len(OKABE_ITO):
        return list(OKABE_ITO[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    viridis = colormaps["viridis"]
    return [to_hex(viridis(DARKEST + (1 - DARKEST) * k / (count - 1))) for k in range(count)]
