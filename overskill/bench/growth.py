"""How a figure grows with size."""

import math
import statistics
from collections.abc import Sequence


def exponent(sizes: Sequence[float], figures: Sequence[float]) -> float | None:
    """`k` of the power law `size ** k` that fits best: 1 is linear. None for less than two sizes.

    The slope of the least squares' line through the logarithms.
    """
    if len(set(sizes)) < 2:
        return None
    return statistics.linear_regression(list(map(math.log, sizes)), list(map(math.log, figures))).slope
