"""How numbers are written in plots and tables: three significant digits; coordinates to a tenth."""

from __future__ import annotations

import math


def short(value: float | None) -> str:
    """A number with three significant digits; whole ones in full, with thousands separators; None is `unknown`.

    >>> [short(one) for one in (1078, 0.94444, 12345.678, 0.00012345, None, -0.5, 3.0)]
    ['1,078', '0.944', '12,346', '0.000123', 'unknown', '-0.5', '3']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown"
    if isinstance(value, int) or abs(value) >= 1000 or (value == int(value) and abs(value) < 1000):
        return f"{value:,.0f}"
    if value and abs(value) < 1e-4:
        return f"{value:.2e}"
    return _plain(f"{float(f'{value:.3g}'):.10f}")


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """`0.944 [0.875, 0.972]`; without an interval only the number.

    >>> interval(0.94, 0.875, 0.972), interval(0.5, None, None)
    ('0.94 [0.875, 0.972]', '0.5')
    """
    return short(value) if low is None or high is None else f"{short(value)} [{short(low)}, {short(high)}]"


def percent(part: float, whole: float) -> str:
    """A share in words: `76 %`.

    >>> percent(820, 1078), percent(0, 5), percent(1, 0), percent(1, 3000), percent(2999, 3000)
    ('76 %', '0 %', 'unknown', '0.03 %', '99.97 %')
    """
    if whole <= 0:
        return "unknown"
    share = 100 * part / whole
    if share in (0, 100):
        return f"{share:.0f} %"
    return f"{share:.2f} %" if share < 0.1 or share > 99.9 else f"{share:.1f} %" if share < 1 or share > 99 else f"{share:.0f} %"


def dollars(usd: float | None) -> str:
    """US dollars; below a cent with two digits that matter.

    >>> dollars(0.8717), dollars(0.00106), dollars(0.0), dollars(None), dollars(1234.5)
    ('$0.87', '$0.0011', '$0', 'unknown', '$1,234.50')
    """
    if usd is None:
        return "unknown"
    if 0 < usd < 0.01:
        return f"${float(f'{usd:.2g}'):.10f}".rstrip("0")
    return f"${usd:,.2f}" if usd else "$0"


def place(value: float) -> str:
    """A coordinate.

    >>> place(12.04), place(3.0), place(-0.04)
    ('12', '3', '0')
    """
    return _plain(f"{value:.1f}").replace("-0", "0") if abs(value) < 0.05 else _plain(f"{value:.1f}")


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
