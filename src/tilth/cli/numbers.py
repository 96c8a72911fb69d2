"""How numbers, money, times and shares are written on screen. Unknown is `unknown`, never 0."""

from __future__ import annotations

from datetime import datetime


def count(value: float | None) -> str:
    """1,078; None is `unknown`.

    >>> count(1078), count(None)
    ('1,078', 'unknown')
    """
    return "unknown" if value is None else f"{value:,.0f}"


def tokens(value: float | None) -> str:
    """Tokens in short: 940, 9.4k, 710k, 3.1M.

    >>> [tokens(n) for n in (940, 9400, 710_000, 3_100_000)]
    ['940', '9.4k', '710k', '3.1M']
    """
    if value is None:
        return "unknown"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            short = value / unit
            return f"{short:.1f}{name}" if short < 10 else f"{short:.0f}{name}"
    return f"{value:.0f}"


def money(usd: float | None) -> str:
    """$0.87; below one cent with two digits that matter: $0.0011.

    >>> money(0.8717), money(0.00113), money(0.0), money(None)
    ('$0.87', '$0.0011', '$0.00', 'unknown')
    """
    if usd is None:
        return "unknown"
    if 0 < usd < 0.01:
        return f"${usd:.4f}" if usd >= 0.0001 else "under $0.0001"
    return f"${usd:,.2f}"


def duration(seconds: float | None) -> str:
    """4 min 48 s.

    >>> duration(288), duration(3.25), duration(7260)
    ('4 min 48 s', '3.2 s', '2 h 1 min')
    """
    if seconds is None:
        return "unknown"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(n_bytes: float | None) -> str:
    """Bytes in decimal units: 92 MB.

    >>> size(92_300_000), size(800)
    ('92 MB', '800 B')
    """
    if n_bytes is None:
        return "unknown"
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            value = n_bytes / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:.0f} {name}"
    return f"{n_bytes:.0f} B"


def share(part: float, whole: float) -> str:
    """7.2 %.

    >>> share(58, 800)
    '7.2 %'
    """
    return "0 %" if whole <= 0 or not part else "100 %" if part == whole else f"{100 * part / whole:.1f} %"


def plural(n: float, noun: str, many: str | None = None) -> str:
    """1 row, 2 rows.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count(n)} {noun if n == 1 else many or noun + 's'}"


def moment(seconds: float | None, now: float) -> str:
    """A point in time, local and short: `now`, 12:07, yesterday, 2026-11-01."""
    if seconds is None:
        return "unknown"
    if abs(now - seconds) < 15:
        return "now"
    there, here = datetime.fromtimestamp(seconds).astimezone(), datetime.fromtimestamp(now).astimezone()
    days = (here.date() - there.date()).days
    if days == 0:
        return there.strftime("%H:%M")
    return "yesterday" if days == 1 else there.strftime("%Y-%m-%d")


_REASONS = {
    "refused": "refused to answer",
    "parse": "reply not readable",
    "unreadable": "reply not readable",
    "empty": "empty",
    "length": "cut at max_tokens",
    "duplicate": "exact duplicates",
    "declined": "declined by the provider",
}


def reason(name: str) -> str:
    """A reason of rejection in words.

    >>> reason("too_long"), reason("parse")
    ('too long', 'reply not readable')
    """
    return _REASONS.get(name, name.replace("_", " ").replace("/", ": "))


def reasons(counts: dict[str, int], top: int = 3) -> str:
    """The most frequent reasons: `42 refused to answer, 11 too long`."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count(n)} {reason(name)}" for name, n in ranked[:top]]
    rest = sum(n for _, n in ranked[top:])
    return ", ".join([*parts, f"{count(rest)} for other reasons"] if rest else parts)
