"""Complex numbers that stay exact fractions as long as they can, and are 60-digit decimals after that. No floats."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from math import isqrt

Real = Fraction | Decimal

DIGITS = 60
CLOSE = Decimal(10) ** -50
"""Two irrational numbers that agree to 50 of 60 digits count as equal."""
BITS = 200_000
"""Numbers with more bits are not computed: 9**9**9 would fill the memory."""
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")

E = Decimal("2.718281828459045235360287471352662497757247093699959574966967627724076630353547594571382178525166427427466")


class Undefined(Exception):
    """The expression has no value here (a division by zero, the logarithm of 0)."""


class TooBig(Exception):
    """The value has too many digits to be computed within the limits."""


@dataclass(frozen=True, slots=True)
class Value:
    """A complex number."""

    re: Real
    im: Real = Fraction(0)

    @property
    def exact(self) -> bool:
        return isinstance(self.re, Fraction) and isinstance(self.im, Fraction)

    @property
    def real(self) -> bool:
        return self.im == 0 if isinstance(self.im, Fraction) else abs(self.im) < CLOSE


ZERO, ONE, IMAGINARY = Value(Fraction(0)), Value(Fraction(1)), Value(Fraction(0), Fraction(1))


def precise() -> AbstractContextManager[Context]:
    """All of this is computed within this context."""
    return localcontext(Context(prec=DIGITS, Emax=10**7, Emin=-(10**7)))


def decimal(real: Real) -> Decimal:
    return real if isinstance(real, Decimal) else Decimal(real.numerator) / Decimal(real.denominator)


def whole(value: Value) -> int | None:
    """The number as an int where it is exactly one."""
    return int(value.re) if value.exact and value.im == 0 and value.re.denominator == 1 else None  # type: ignore[union-attr]


def add(a: Value, b: Value) -> Value:
    return _sized(Value(_plus(a.re, b.re), _plus(a.im, b.im)))


def negative(a: Value) -> Value:
    return Value(-a.re, -a.im)


def multiply(a: Value, b: Value) -> Value:
    return _sized(Value(_plus(_times(a.re, b.re), -_times(a.im, b.im)), _plus(_times(a.re, b.im), _times(a.im, b.re))))


def divide(a: Value, b: Value) -> Value:
    size = _plus(_times(b.re, b.re), _times(b.im, b.im))
    if size == 0 or (isinstance(size, Decimal) and size < CLOSE**2):
        raise Undefined
    top = multiply(a, Value(b.re, -b.im))
    return Value(_over(top.re, size), _over(top.im, size))


def power(base: Value, exponent: Value) -> Value:
    """base ** exponent. A fractional exponent with an odd denominator takes the real root of a negative number."""
    n = whole(exponent)
    if n is not None:
        return _whole_power(base, n)
    if exponent.exact and exponent.im == 0:
        fraction = Fraction(exponent.re)
        if fraction.denominator <= 64:
            return _whole_power(root(base, fraction.denominator), fraction.numerator)
    return exponential(multiply(exponent, logarithm(base)))


def _whole_power(base: Value, n: int) -> Value:
    if n < 0:
        return divide(ONE, _whole_power(base, -n))
    bits = max(_bits(base.re), _bits(base.im)) if base.exact else 64
    if bits * n > BITS:
        raise TooBig
    result = ONE
    while n:
        if n & 1:
            result = multiply(result, base)
        n >>= 1
        if n:
            base = multiply(base, base)
    return result


def root(value: Value, n: int) -> Value:
    """The n-th root: exact where it is a fraction, real where there is a real one, else the principal one."""
    if n == 1:
        return value
    if value.real:
        re = value.re
        if re == 0:
            return ZERO
        if re > 0:
            return Value(_real_root(re, n))
        if n % 2:
            return Value(-_real_root(-re, n))
        if n == 2:
            return Value(Fraction(0), _real_root(-re, 2))
    if n == 2 and value.exact:  # 3 + 4i is a square of 2 + i
        size = _real_root(_plus(_times(value.re, value.re), _times(value.im, value.im)), 2)
        re = _real_root(_over(_plus(size, value.re), Fraction(2)), 2)
        return Value(re, _over(value.im, _times(Fraction(2), re)))
    return exponential(divide(logarithm(value), Value(Fraction(n))))


def _real_root(real: Real, n: int) -> Real:
    if isinstance(real, Fraction):
        top, bottom = _int_root(real.numerator, n), _int_root(real.denominator, n)
        if top is not None and bottom is not None:
            return Fraction(top, bottom)
    number = decimal(real)
    return number.sqrt() if n == 2 else (number.ln() / n).exp()


def _int_root(number: int, n: int) -> int | None:
    if n == 2:
        found = isqrt(number)
    else:
        if number.bit_length() > 2000:
            return None
        low, high = 0, 1 << (number.bit_length() // n + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**n <= number else (low, middle - 1)
        found = low
    return found if found**n == number else None


def exponential(value: Value) -> Value:
    if value == ZERO:
        return ONE
    re = decimal(value.re)
    if abs(re) > 100_000:
        raise TooBig
    size, angle = re.exp(), decimal(value.im)
    return Value(size, Fraction(0)) if value.im == 0 else Value(size * cosine(angle), size * sine(angle))


def logarithm(value: Value) -> Value:
    if value == ONE:
        return ZERO
    a, b = decimal(value.re), decimal(value.im)
    size = (a * a + b * b).sqrt()
    if size < CLOSE:
        raise Undefined
    return Value(size.ln(), angle(a, b) if b or a < 0 else Fraction(0))


def angle(a: Decimal, b: Decimal) -> Decimal:
    """atan2(b, a)."""
    if a == 0:
        return PI / 2 if b > 0 else -PI / 2
    base = arctangent(b / a)
    if a > 0:
        return base
    return base + PI if b >= 0 else base - PI


def arctangent(x: Decimal) -> Decimal:
    halvings = 0
    while abs(x) > Decimal("0.1"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    term = total = x
    n = 1
    while abs(term) > Decimal(10) ** -(DIGITS + 2):
        term = -term * x * x
        n += 2
        total += term / n
    return total * Decimal(2) ** halvings


def cosine(x: Decimal) -> Decimal:
    return _series(x, Decimal(1), 0)


def sine(x: Decimal) -> Decimal:
    reduced = _reduced(x)
    return _series(reduced, reduced, 1)


def _reduced(x: Decimal) -> Decimal:
    if abs(x) > Decimal(10) ** 20:
        raise TooBig
    return x - (x / (2 * PI)).to_integral_value() * 2 * PI


def _series(x: Decimal, term: Decimal, n: int) -> Decimal:
    if n == 0:
        x = _reduced(x)
    total = term
    while abs(term) > Decimal(10) ** -(DIGITS + 2):
        term = -term * x * x / ((n + 1) * (n + 2))
        n += 2
        total += term
    return total


def close(a: Value, b: Value, tolerance: Decimal | None = None) -> bool:
    """Equal: exactly where both are fractions, else to 50 digits; `tolerance` is relative and is for rounded numbers."""
    if tolerance is None and a.exact and b.exact:
        return a == b
    distance = max(abs(decimal(a.re) - decimal(b.re)), abs(decimal(a.im) - decimal(b.im)))
    size = max(abs(decimal(part)) for part in (a.re, a.im, b.re, b.im))
    if tolerance is not None:
        return distance <= tolerance * size
    return distance <= CLOSE * max(size, Decimal(1))


def _plus(a: Real, b: Real) -> Real:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    return decimal(a) + decimal(b)


def _times(a: Real, b: Real) -> Real:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * b
    if a == 0 or b == 0:
        return Fraction(0)
    return decimal(a) * decimal(b)


def _over(a: Real, b: Real) -> Real:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a / b
    return decimal(a) / decimal(b)


def _bits(real: Real) -> int:
    return real.numerator.bit_length() + real.denominator.bit_length() if isinstance(real, Fraction) else 64


def _sized(value: Value) -> Value:
    if _bits(value.re) > BITS or _bits(value.im) > BITS:
        raise TooBig
    return value
