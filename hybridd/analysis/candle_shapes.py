"""TA-Lib's candlestick patterns as tables of words: what must be true of the newest candle and of those before it.

Each line of a pattern is a way to be one; its words must all be true. Words as in `candle_marks`, or short
ones for several. Those that are seldom true come first: nothing is looked at any further once no candle is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from hybridd.analysis.candle_marks import Bits, Words, spelled
from hybridd.model.candle import IntArray


@dataclass(frozen=True, slots=True)
class Shape:
    """The ways to be a pattern, bullish and bearish."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


_SHORT: Mapping[str, str] = {
    "white": "c>=o", "black": "c<o", "long": "body>mean", "short": "body<mean", "small": "body<=mean",
    "doji": "body<=tenth", "as_doji1": "body<=tenth1", "as_doji2": "body<=tenth2",
    "bare_top": "wick<tenth", "bare_foot": "tail<tenth", "wicked": "wick>tenth", "tailed": "tail>tenth",
    "low_wick": "wick<shadows", "low_tail": "tail<shadows", "high_wick": "wick>shadows",
    "long_wick": "wick>body", "long_tail": "tail>body", "very_long_wick": "wick>twice", "very_long_tail": "tail>twice",
    "gap_up": "bottom>top1", "gap_down": "top<bottom1", "leaps": "l>h1", "drops": "h<l1",
    "c=c1": "c<=c+e1 c>=c-e1", "c=c2": "c<=c+e2 c>=c-e2", "c=l1": "c<=l+e1 c>=l-e1",
    "o=o1": "o<=o+e1 o>=o-e1", "o=c1": "o<=c+e1 o>=c-e1",
    "near_size1": "body>=body-n1 body<=body+n1", "near_match1": "body>body-n1 body<body+n1",
    "into_body1": "o>=bottom-n1 o<=top+n1", "rides_on1": "o+body>=c-n1", "centred": "bottom<=middle+n top>=middle-n",
    "worn_out": "body<body-f1",
}  # fmt: skip
"""Short words for what patterns are told in; the last: a body far smaller than the one before."""

_THREE_UP = "white.2 white.1 white c>c1 c>c1.1"
_INTO_BODIES = "o>o1.1 o<=top+n1.1 o>o1 o<=top+n1"
_ADVANCE = f"long.2 low_wick.2 {_THREE_UP} {_INTO_BODIES}"
_STAR_UP, _STAR_DOWN = (
    "gap_down.1 long.2 black.2 long white c>c+third2",
    "gap_up.1 long.2 white.2 long black c<c-third2",
)
_KICKED = "long.1 long bare_top.1 bare_foot.1 bare_top bare_foot"
_KICK_UP, _KICK_DOWN = f"leaps {_KICKED} black.1 white", f"drops {_KICKED} white.1 black"
_HARAMI = "long.1 top<=top1 bottom>=bottom1"
_REST = "long.4 short.3 short.2 short.1 long bottom<h1.3 top>l1.3 bottom<h2.2 top>l2.2 bottom<h3.1 top>l3.1"
_BESIDE = "near_size1 o=o1 white.1 white"
_NEAR_BODIES = "into_body1.2 into_body1.1"
_CROWS = "black.2 black.1 black bare_foot.2 bare_foot.1 bare_foot c<c1.1 c<c1"

SHAPES: Mapping[str, Shape] = {
    "CDL2CROWS": Shape(down=("gap_up.1 long.2 white.2 black.1 black o<o1 o>c1 c>o2 c<c2",)),
    "CDL3BLACKCROWS": Shape(down=(f"{_CROWS} white.3 o<o1.1 o>c1.1 o<o1 o>c1 c<h1.2",)),
    "CDL3INSIDE": Shape(
        up=("long.2 small.1 top<top1.1 bottom>bottom1.1 black.2 white c>o2",),
        down=("long.2 small.1 top<top1.1 bottom>bottom1.1 white.2 black c<o2",),
    ),
    "CDL3LINESTRIKE": Shape(
        up=(f"c<o3 o>c1 white.3 white.2 white.1 black c>c1.2 c>c1.1 {_NEAR_BODIES}",),
        down=(f"c>o3 o<c1 black.3 black.2 black.1 white c<c1.2 c<c1.1 {_NEAR_BODIES}",),
    ),
    "CDL3OUTSIDE": Shape(
        up=("white.1 black.2 c>o1.1 o<c1.1 c>c1",),
        down=("black.1 white.2 o>c1.1 c<o1.1 c<c1",),
    ),
    "CDL3STARSINSOUTH": Shape(
        up=(
            "black.2 black.1 black long.2 long_tail.2 short bare_foot bare_top body<body1.1 o>c1.1 o<=h1.1 l<c1.1 "
            "l>=l1.1 tailed.1 l>l1 h<h1",
        )
    ),
    "CDL3WHITESOLDIERS": Shape(
        up=(f"bare_top.2 bare_top.1 bare_top long {_THREE_UP} {_INTO_BODIES} body>body-f1.1 body>body-f1",)
    ),
    "CDLABANDONEDBABY": Shape(
        up=("drops.1 leaps doji.1 long.2 long black.2 white c>c+third2",),
        down=("leaps.1 drops doji.1 long.2 long white.2 black c<c-third2",),
    ),
    "CDLADVANCEBLOCK": Shape(
        down=(
            f"{_ADVANCE} worn_out.1 body<body+n1",
            f"{_ADVANCE} worn_out",
            f"{_ADVANCE} body<body1.1 body<body1 high_wick",
            f"{_ADVANCE} body<body1.1 body<body1 high_wick.1",
            f"{_ADVANCE} body<body1 long_wick",
        )
    ),
    "CDLBELTHOLD": Shape(up=("long bare_foot white",), down=("long bare_top black",)),
    "CDLBREAKAWAY": Shape(
        up=("gap_down.3 long.4 black.4 black.3 black.1 white h<h1.2 l<l1.2 h<h1.1 l<l1.1 c>o3 c<c4",),
        down=("gap_up.3 long.4 white.4 white.3 white.1 black h>h1.2 l>l1.2 h>h1.1 l>l1.1 c<o3 c>c4",),
    ),
    "CDLCLOSINGMARUBOZU": Shape(up=("long bare_top white",), down=("long bare_foot black",)),
    "CDLCONCEALBABYSWALL": Shape(
        up=(
            "gap_down.1 black.3 black.2 black.1 black bare_foot.3 bare_top.3 bare_foot.2 bare_top.2 wicked.1 h>c1.1 "
            "h>h1 l<l1",
        )
    ),
    "CDLCOUNTERATTACK": Shape(up=("long.1 long c=c1 black.1 white",), down=("long.1 long c=c1 white.1 black",)),
    "CDLDARKCLOUDCOVER": Shape(down=("o>h1 long.1 white.1 black c>o1 c<c-half1",)),
    "CDLDOJI": Shape(up=("doji",)),
    "CDLDOJISTAR": Shape(up=("gap_down doji long.1 black.1",), down=("gap_up doji long.1 white.1",)),
    "CDLDRAGONFLYDOJI": Shape(up=("doji bare_top tailed",)),
    "CDLENGULFING": Shape(
        up=("white black.1 c>=o1 o<c1", "white black.1 c>o1 o<=c1"),
        down=("black white.1 o>=c1 c<o1", "black white.1 o>c1 c<=o1"),
    ),
    "CDLEVENINGDOJISTAR": Shape(down=(f"{_STAR_DOWN} doji.1",)),
    "CDLEVENINGSTAR": Shape(down=(f"{_STAR_DOWN} small.1",)),
    "CDLGAPSIDESIDEWHITE": Shape(up=(f"gap_up.1 bottom>top2 {_BESIDE}",), down=(f"gap_down.1 top<bottom2 {_BESIDE}",)),
    "CDLGRAVESTONEDOJI": Shape(up=("doji bare_foot wicked",)),
    "CDLHAMMER": Shape(up=("short long_tail bare_top bottom<=l+n1",)),
    "CDLHANGINGMAN": Shape(down=("short long_tail bare_top bottom>=h-n1",)),
    "CDLHARAMI": Shape(up=(f"{_HARAMI} small black.1",), down=(f"{_HARAMI} small white.1",)),
    "CDLHARAMICROSS": Shape(up=(f"{_HARAMI} doji black.1",), down=(f"{_HARAMI} doji white.1",)),
    "CDLHIGHWAVE": Shape(
        up=("short very_long_wick very_long_tail white",), down=("short very_long_wick very_long_tail black",)
    ),
    "CDLHOMINGPIGEON": Shape(up=("black.1 black long.1 small o<o1 c>c1",)),
    "CDLIDENTICAL3CROWS": Shape(down=(f"{_CROWS} o=c1.1 o=c1",)),
    "CDLINNECK": Shape(down=("o<l1 black.1 long.1 white c<=c+e1 c>=c1",)),
    "CDLINVERTEDHAMMER": Shape(up=("gap_down short long_wick bare_foot",)),
    "CDLKICKING": Shape(up=(_KICK_UP,), down=(_KICK_DOWN,)),
    "CDLKICKINGBYLENGTH": Shape(
        up=(f"{_KICK_UP} body>body1", f"{_KICK_DOWN} body<=body1"),
        down=(f"{_KICK_DOWN} body>body1", f"{_KICK_UP} body<=body1"),
    ),
    "CDLLADDERBOTTOM": Shape(
        up=("black.4 black.3 black.2 black.1 white o<o1.3 o<o1.2 c<c1.3 c<c1.2 wicked.1 o>o1 c>h1",)
    ),
    "CDLLONGLEGGEDDOJI": Shape(up=("doji long_tail", "doji long_wick")),
    "CDLLONGLINE": Shape(up=("long low_wick low_tail white",), down=("long low_wick low_tail black",)),
    "CDLMARUBOZU": Shape(up=("long bare_top bare_foot white",), down=("long bare_top bare_foot black",)),
    "CDLMATCHINGLOW": Shape(up=("c=c1 black.1 black",)),
    "CDLMATHOLD": Shape(
        up=(
            "gap_up.3 long.4 short.3 short.2 short.1 white.4 black.3 white bottom<c2.2 bottom<c3.1 "
            "bottom>c-half2.2 bottom>c-half3.1 top<o1.2 top<top1.1 o>c1 c>h1 c>h2 c>h3",
        )
    ),
    "CDLMORNINGDOJISTAR": Shape(up=(f"{_STAR_UP} doji.1",)),
    "CDLMORNINGSTAR": Shape(up=(f"{_STAR_UP} small.1",)),
    "CDLONNECK": Shape(down=("o<l1 black.1 long.1 white c=l1",)),
    "CDLPIERCING": Shape(up=("o<l1 black.1 long.1 white long c<o1 c>c+half1",)),
    "CDLRICKSHAWMAN": Shape(up=("doji long_tail long_wick centred",)),
    "CDLRISEFALL3METHODS": Shape(
        up=(f"{_REST} white.4 black.3 black.2 black.1 white c<c1.2 c<c1.1 o>c1 c>c4",),
        down=(f"{_REST} black.4 white.3 white.2 white.1 black c>c1.2 c>c1.1 o<c1 c<c4",),
    ),
    "CDLSEPARATINGLINES": Shape(up=("o=o1 long black.1 white bare_foot",), down=("o=o1 long white.1 black bare_top",)),
    "CDLSHOOTINGSTAR": Shape(down=("gap_up short long_wick bare_foot",)),
    "CDLSHORTLINE": Shape(up=("short low_wick low_tail white",), down=("short low_wick low_tail black",)),
    "CDLSPINNINGTOP": Shape(up=("short long_wick long_tail white",), down=("short long_wick long_tail black",)),
    "CDLSTALLEDPATTERN": Shape(down=(f"short long.2 long.1 bare_top.1 {_THREE_UP} o>o1.1 o<=top+n1.1 rides_on1",)),
    "CDLSTICKSANDWICH": Shape(up=("c=c2 black.2 white.1 black l>c1.1",)),
    "CDLTAKURI": Shape(up=("doji bare_top very_long_tail",)),
    "CDLTASUKIGAP": Shape(
        up=("gap_up.1 white.1 black o<c1 o>o1 c<o1 c>top2 near_match1",),
        down=("gap_down.1 black.1 white o<o1 o>c1 c>o1 c<bottom2 near_match1",),
    ),
    "CDLTHRUSTING": Shape(down=("o<l1 black.1 long.1 white c>c+e1 c<=c+half1",)),
    "CDLTRISTAR": Shape(
        up=("gap_down.1 doji.2 as_doji1.1 as_doji2 bottom>bottom1",),
        down=("gap_up.1 doji.2 as_doji1.1 as_doji2 top<top1",),
    ),
    "CDLUNIQUE3RIVER": Shape(up=("long.2 black.2 black.1 c>c1.1 o<=o1.1 l<l1.1 short white o>l1",)),
    "CDLUPSIDEGAP2CROWS": Shape(down=("gap_up.1 long.2 white.2 black.1 small.1 black o>o1 c<c1 c>c2",)),
    "CDLXSIDEGAP3METHODS": Shape(
        up=("gap_up.1 white.2 white.1 black o<top1 o>bottom1 c<top2 c>bottom2",),
        down=("gap_down.1 black.2 black.1 white o<top1 o>bottom1 c<top2 c>bottom2",),
    ),
}

TRAPS: Mapping[str, Shape] = {
    "CDLHIKKAKE": Shape(up=("h<h1.1 l>l1.1 h<h1 l<l1",), down=("h<h1.1 l>l1.1 h>h1 l>l1",)),
    "CDLHIKKAKEMOD": Shape(
        up=("h<h1.2 l>l1.2 h<h1.1 l>l1.1 h<h1 l<l1 c<=l+n.2",),
        down=("h<h1.2 l>l1.2 h<h1.1 l>l1.1 h>h1 l>l1 c>=h-n.2",),
    ),
}
"""Seen again where one of the next three closes lies beyond the candle before the last one: the trap is shut."""

_SHUT = (("c>h2", "c>h3", "c>h4"), ("c<l2", "c<l3", "c<l4"))

Ways = tuple[tuple[str, ...], ...]
_SPELLED: Mapping[str, tuple[Ways, Ways]] = {
    name: (tuple(spelled(_SHORT, way) for way in shape.up), tuple(spelled(_SHORT, way) for way in shape.down))
    for name, shape in {**SHAPES, **TRAPS}.items()
}
WORDS = tuple(
    dict.fromkeys(
        word for words in (*(w for ways in _SPELLED.values() for side in ways for w in side), *_SHUT) for word in words
    )
)
_NUMBER = {word: number for number, word in enumerate(WORDS)}


def _numbered(ways: Ways) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(_NUMBER[word] for word in way) for way in ways)


NAMES = tuple(sorted(_SPELLED))
"""All patterns; what is found of them stands in this order."""


class _Told(Struct, frozen=True, eq=False):
    """Ways to be a pattern, by the line that each is put down in: twice the pattern's number, one more where bearish.

    `words`: the numbers of each way's words. `table`: the same, a column a way, each filled up with its last word.
    `first`: where the ways of each of the lines `named` begin.
    """

    lines: tuple[int, ...]
    words: tuple[tuple[int, ...], ...]
    table: IntArray
    named: IntArray
    first: IntArray


def _told(shapes: Mapping[str, Shape]) -> _Told:
    ways = [
        (2 * NAMES.index(name) + side, way)
        for name in sorted(shapes)
        for side, ways in enumerate(_SPELLED[name])
        for way in _numbered(ways)
    ]
    lines, words = (tuple(column) for column in zip(*ways, strict=True))
    longest = max(map(len, words))
    table = np.array([way + way[-1:] * (longest - len(way)) for way in words]).T.copy()
    return _Told(lines, words, table, *np.unique(lines, return_index=True))


_PLAIN, _TRAPS = _told(SHAPES), _told(TRAPS)
_SHUTTING = _numbered(_SHUT)
_OF_TRAPS = sorted({word for way in (*_TRAPS.words, *_SHUTTING) for word in way})


def found_in(true: Sequence[Bits], everywhere: Bits, asked: Bits) -> list[Bits]:
    """Where each pattern ends, by what each of WORDS is true of: for each of NAMES a line bullish and one bearish.

    `everywhere` are all candles, `asked` those that are asked about: only a trap may have begun before them.
    """
    found = [0] * (2 * len(NAMES))
    _meet(_PLAIN, true, asked, found)
    _spring(true, everywhere, asked, found)
    return found


def found_in_few(true: Words, everywhere: Bits, asked: Bits) -> Words:
    """`found_in` of no more candles than one number of the machine has bits: all patterns at once."""
    met, found = np.bitwise_and.reduce(true.take(_PLAIN.table)), np.zeros(2 * len(NAMES), dtype=np.uint64)
    met &= np.uint64(asked)
    found[_PLAIN.named] = np.bitwise_or.reduceat(met, _PLAIN.first)
    traps = [0] * len(found)
    _spring(dict(zip(_OF_TRAPS, true.take(_OF_TRAPS).tolist(), strict=True)), everywhere, asked, traps)
    found[_TRAPS.named] = [traps[line] for line in _TRAPS.named]
    return found


def _meet(ways: _Told, true: Sequence[Bits] | Mapping[int, Bits], where: Bits, found: list[Bits]) -> None:
    """Put down where some candle of `where` answers to all the words of a way."""
    for line, words in zip(ways.lines, ways.words, strict=True):
        left = where
        for word in words:
            left &= true[word]
            if not left:
                break
        else:
            found[line] |= left


def _spring(true: Sequence[Bits] | Mapping[int, Bits], everywhere: Bits, asked: Bits, found: list[Bits]) -> None:
    """Put down the traps, and where they were shut."""
    _meet(_TRAPS, true, everywhere, found)
    for name in TRAPS:
        line = 2 * NAMES.index(name)
        up, down = _shut(found[line], found[line + 1], true, everywhere)
        found[line], found[line + 1] = up & asked, down & asked


def _shut(up: Bits, down: Bits, true: Sequence[Bits] | Mapping[int, Bits], everywhere: Bits) -> tuple[Bits, Bits]:
    """The traps, and where they were shut; a new one ends the wait for the one before."""
    newer, found, waiting = everywhere & ~(up | down), [up, down], [up, down]
    for steps in zip(*_SHUTTING, strict=True):
        for side, word in enumerate(steps):
            waiting[side] = waiting[side] << 1 & newer
            shut = waiting[side] & true[word]
            found[side] |= shut
            waiting[side] &= ~shut
    return found[0], found[1]
