"""Parts that several kinds are drawn with."""

import numpy as np

from .canvas import SIZE


def row_mask(first, end):
    """A (16, 16) mask of the rows from first to the one before end."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[first:end] = True
    return mask
