"""Pairs of answers, written for these tests: which are equal, which are not, and which must be left undecided."""

EQUAL = r"""
# spellings of numbers
1/2 | 0.5
1/2 | \frac12
1/2 | \frac{1}{2}
\dfrac{1}{2} | \tfrac12
\frac 12 | 0.5
.5 | 0.5
0.50 | 1/2
2/4 | 1/2
-1/2 | \frac{-1}{2}
-\frac{1}{2} | \frac{1}{-2}
-\frac12 | -0.5
-0 | 0
-0.0 | 0
+7 | 7
007 | 7
5. | 5
18.0 | 18
18.00 | 18
1,000 | 1000
1,000.0 | 1000
1000. | 1000
1,\!000,\!000 | 1000000
10{,}000 | 10000
12,345,678 | 12345678
\$32,\!348 | 32348
1,234.5 | 1234.5
−5 | -5
– 5 | -5
½ | 1/2
1½ | 3/2
¾ | 0.75
1\frac{1}{2} | 3/2
1\frac12 | 1.5
-1\frac{1}{2} | -3/2
1 1/2 | 1.5
2 3/4 | \frac{11}{4}
2\frac{3}{4} | \frac{11}{4}
3.0e | 3e
10^3 | 1000
10^{3} | 1000
2^{10} | 1024
2**10 | 1024
2^{-1} | 1/2
3 \times 10^2 | 300
3 · 10² | 300
6.02 \times 10^{23} | 602000000000000000000000
0.333333333 | 1/3
3.14159265 | \pi
1.41421356 | \sqrt{2}
0.1+0.2 | 0.3
1/3+1/3+1/3 | 1
100000000000000000001 | 1e20+1
9007199254740993 | 9007199254740992+1
five | 5
Twelve | 12
half | 0.5
three quarters | 0.75
3 million | 3000000
2.5 thousand | 2500
4 dozen | 48
5! | 120
\binom{5}{2} | 10
|{-3}| | 3
\lfloor 3.7 \rfloor | 3
\lceil 3.2 \rceil | 4
# formulas
$5$ | 5
\(5\) | 5
\[5\] | 5
$$\frac{1}{2}$$ | 0.5
**5** | 5
5. | 5
= 5 | 5
\approx 5 | 5
x = 5 | 5
x=5 | 5
$x = 5$ | 5
n = 12 | 12
\theta = 30 | 30
f(x) = 2x+1 | 2x+1
a_1 = 3 | 3
3+4=7 | 7
S = 3+4 = 7 | 7
2x+3x = 5x | 5x
2x + 3 = 7 | 2
\text{Saturday} | Saturday
\mbox{Saturday} | saturday
\text{even} | even
\text{(A)} | A
(\text{E}) | E
(C) | C
\textbf{D} | D
\boxed{} | \boxed{}
# units
5 cm | 5
5\text{ cm} | 5
5\ \mathrm{cm} | 5
5 \text{ cm}^2 | 5
12\text{ degrees} | 12
12 square feet | 12 ft^2
139^\circ | 139
139° | 139
139^{\circ} | 139 degrees
$18 | 18
\$18 | 18
$18.00 | 18 dollars
18 dollars | 18
18 eggs | 18
18 eggs | 18 egg
100 cm | 1 m
2 hours | 120 minutes
1 kg | 1000 grams
50 cents | 0.5 dollars
9\pi \text{ cm} | 9\pi
3\sqrt{2} inches | 3\sqrt{2}
€5 | 5
# percent
50% | 0.5
50\% | 1/2
50% | 50
75\% | 75 percent
12.5% | 1/8
10% | 0.1
100\% | 1
# algebra
x+1 | 1+x
2\sqrt{2} | \sqrt{8}
2\sqrt2 | \sqrt8
\sqrt{12} | 2\sqrt3
√8 | 2√2
\sqrt{50} | 5\sqrt{2}
\frac{\sqrt{3}}{3} | \frac{1}{\sqrt{3}}
\frac{1}{\sqrt{10}} | \frac{\sqrt{10}}{10}
\frac{1}{1+\sqrt2} | \sqrt{2}-1
\sqrt{3+2\sqrt{2}} | 1+\sqrt{2}
\sqrt[3]{27} | 3
\sqrt[3]{-8} | -2
\sqrt[3]{54} | 3\sqrt[3]{2}
8^{1/3} | 2
4^{3/2} | 8
sqrt(8) | 2\sqrt{2}
x^2+2x+1 | (x+1)^2
(a+5)(b+2) | ab+2a+5b+10
(b+2)(a+5) | (a+5)(b+2)
x^2-y^2 | (x-y)(x+y)
x^3+27 | (x+3)(x^2-3x+9)
\frac{x^2-1}{x-1} | x+1
-\frac1{2x} | \frac{-1}{2x}
\frac{2}{r} | 2r^{-1}
2/(3x) | \frac{2}{3x}
b - 1 | -1 + b
xy | yx
3 - 2f(x) | -2f(x)+3
2x \cdot 3 | 6x
(x) | x
8-2\pi | -2(\pi-4)
9\pi | 9π
\frac{9\pi}{2} | 4.5\pi
15 \pi | 15\pi
\frac{1 + \sqrt{2}}{2} | \frac12 + \frac{\sqrt2}{2}
\log_2 8 | 3
\log_{10} 100 | 2
\ln e | 1
e^{\ln 5} | 5
\ln 8 | 3\ln 2
\sin^2 x + \cos^2 x | 1
\sin 2x | 2 \sin x \cos x
\sec x | \frac{1}{\cos x}
\tan x | \frac{\sin x}{\cos x}
\cos 60^\circ | \frac12
\cos 13^\circ | \sin 77^\circ
\sin \frac{\pi}{6} | 0.5
\arctan 1 | \frac{\pi}{4}
\sin^{-1} 1 | \frac{\pi}{2}
2^{2005} | 2 \cdot 2^{2004}
i^2 | -1
\frac{i}{5} | \frac15 i
-375 + 500i | 500i - 375
(2+i)^2 | 3+4i
-128 - 128 \sqrt{3} i | -128(1+i\sqrt{3})
e^{i\pi} | -1
|x| | |-x|
n! \cdot (n+1) | (n+1) n!
385_9 | 385_{9}
385_{9} | 385₉
\alpha+\beta | \beta + \alpha
AB | \text{AB}
# structures
(1,2) | (1, 2)
(1,2) | \left( 1, 2 \right)
(\frac12, 3) | (0.5, 3)
(8\sqrt{2}, \frac{\pi}{4}) | (\sqrt{128}, 0.25\pi)
{1,2} | {2,1}
\{1,2\} | \{2,1\}
\{1,2,2\} | \{1,2\}
\{1, \frac12\} | \{0.5, 1\}
1, 2, 3 | 3, 2, 1
24,-3 | -3, 24
1 and 2 | 2, 1
x=1 or x=2 | 1, 2
2 + \sqrt{6}, 2 - \sqrt{6} | 2 \pm \sqrt{6}
\pm 3 | 3, -3
\{3,-3\} | \pm 3
1, 2 | \{1, 2\}
[0,1) | \left[0, 1\right)
[0,1) | [\frac{0}{5}, 1.0)
(-\infty, 2] | (-∞, 2]
(-\infty,-8)\cup (8,\infty) | (8,\infty) \cup (-\infty,-8)
x \in [0,1) | [0,1)
\begin{pmatrix} 1 \\ 2 \end{pmatrix} | \begin{bmatrix} 1 \\ 2 \end{bmatrix}
\begin{pmatrix} 1 & 0 \\ 0 & 1/2 \end{pmatrix} | \begin{pmatrix} 1&0\\0&0.5 \end{pmatrix}
3:2 | 6:4
a<b | b>a
x \le 5 | 5 \ge x
x ≤ 5 | x \leq 5
0 < x \le 5 | 5 \geq x > 0
2x < 10 | x < 5
-x < 5 | x > -5
2x + y = 3 | y = 3 - 2x
y = 2x+1 | 2x+1=y
\emptyset | \{\}
(0, 5] | 0 < x \le 5
[46, \infty) | x \ge 46
"""
"""answer | gold, equal; lines with # name a group."""

UNEQUAL = r"""
# numbers
10 | 100
100 | 10
1 | -1
5 | -5
0.5 | 0.05
0.05 | 5
5 | 0.05
500 | 5
3.14 | \pi
3.1416 | \pi
0.33 | 1/3
0.3333 | 1/3
563.51 | 563.52
9007199254740993 | 9007199254740992
100000000000000000000 | 100000000000000000001
1\frac{1}{2} | \frac{1}{2}
1\frac12 | 1/2
1,00 | 100
1,000 | 1
1,000 | 1000000
12,34 | 1234
2/3 | 3/2
1/2 | 2
7 | seven hundred
5 | 5 million
5 | 5!
0 | 1
0.0 | 0.1
2^{10} | 20
2^3 | 3^2
five | 4
2024 | 18
18 | 2024
# formulas
x=5 | 6
-x = -1 | x = -1
-x=9 | 9
2x = 8 | 8
3+4=8 | 7
A | B
(A) | (B)
A | A train
A | Anna
even | odd
Saturday | Sunday
Dana | Dan
even | evne
Adam | Mada
yes | no
# units
5 cm | 6
5 cm | 5 m
1 m | 1 km
5 dollars | 5 cents
$5 | 5 cents
90 degrees | 91
# percent
50% | 5
5% | 0.5
0.05 | 5%% no
50 | 0.5
0.5 | 50
75\% | 7.5
# algebra
x+1 | x+2
x+1 | y+1
x+1 | x-1
2x | x^2
x^2 | x^3
x^2+1 | (x+1)^2
\sqrt{2} | 2
\sqrt{8} | 2\sqrt{3}
\sqrt{x^2} | x
\sqrt{10^{40}+1} | 10^{20}
\frac{x}{y} | \frac{y}{x}
-\frac1{2x} | -\frac{x}{2}
f(2x) | 2f(x)
f(x) | g(x)
fx | f(x)
\sin x | \cos x
\sin 2x | 2 \sin x
\pi | 3
e | 2.718
\ln 2 | \log_{10} 2
\log_2 8 | \log_3 8
i | -i
1+i | 1-i
2^{2005} | 2^{2004}
ab | a+b
AB | BC
x | X_1
9\pi | 9
9\pi | \pi^9
385_9 | 385_8
385_9 | 386_9
a_1 | a_2
# structures
(1,2) | (2,1)
(1,2) | [1,2]
[0,1) | (0,1)
[0,1) | [0,1]
(0,1] | [0,1)
(1,2,3) | (1,2)
{1,2} | {1,3}
{1,2} | {1,2,3}
\{1,2\} | (1,2)
1, 2 | 1, 3
1, 2, 3 | 1, 2
1 | 1, 2
1, 2 | 1
\pm 3 | 3
3 | \pm 3
(-\infty, 2] | (-\infty, 2)
(-\infty, 2] | [2, \infty)
(-\infty, 2] | (\infty, 2]
(-\infty,-8)\cup (8,\infty) | (-\infty,8)\cup (8,\infty)
\begin{pmatrix} 1 \\ 2 \end{pmatrix} | \begin{pmatrix} 2 \\ 1 \end{pmatrix}
\begin{pmatrix} 1 & 2 \end{pmatrix} | \begin{pmatrix} 1 \\ 2 \end{pmatrix}
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} | \begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}
3:2 | 2:3
a<b | a>b
a<b | a \le b
x \le 5 | x \ge 5
x < 5 | x < 6
-x < 5 | x < -5
y = 2x+1 | y = 2x+2
x = 1 | x = 2
\emptyset | 0
\infty | -\infty
\infty | 5
I do not know | 18
there is no such number | 5
"""

UNDECIDED = r"""
1, 2 | (1, 2)
(2, -11) | \begin{pmatrix} 2 \\ -11 \end{pmatrix}
385 | 385_9
5 apples | 5 eggs
9^{9^9} | 5
\log 100 | 2
\int_0^1 x dx | \frac12
\sum_{k=1}^{3} k | 6
x \ge 46 | [46, \infty)
3:2 | 3/2
x = 3 = 4 | 4
2000!! | 5
3000! | 5
"""
"""answer | gold: neither equal nor unequal without more knowledge; never passed, and never counted as wrong."""

MATH_VERIFY = r"""
\int_0^1 x dx | \frac12 | yes
\sum_{k=1}^{3} k | 6 | yes
\sum_{k=1}^{3} k | 7 | no
\int_0^2 3x^2 dx | 8 | yes
\lim_{x \to 0} \frac{\sin x}{x} | 1 | yes
"""
"""answer | gold | equal: what the extra `math` decides."""


def pairs(table: str) -> list[tuple[str, ...]]:
    """The rows of a table."""
    lines = [line for line in table.strip("\n").split("\n") if not line.startswith("#")]
    return [tuple(part.strip() for part in _parts(line)) for line in lines]


def _parts(line: str) -> list[str]:
    """Split at " | " (bars of an absolute value have no spaces around them)."""
    return f" {line} ".split(" | ")
