"""A report as one HTML file that opens alone, without a script and without anything from elsewhere; and its trades as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

from aristobot.backtest.later import FilledOrder
from aristobot.backtest.legs import Bar
from aristobot.backtest.report import Report
from aristobot.clock import from_milliseconds, iso_milliseconds
from aristobot.language import _, current_language
from aristobot.strategy_chart import ChartLine
from services import backtest_drawings as drawings
from services import backtest_words as words
from services.backtest_sentences import assumptions

_STYLE = """body{margin:0 auto;max-width:1180px;padding:24px;background:#070b14;color:#e6eeff;
font:14px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}h1{font-size:24px}
h2{font-size:16px;margin:28px 0 10px}p,li{color:#93a4c4}svg{width:100%;background:#0d1422;
border:1px solid #1d2940;border-radius:10px}svg text{fill:#93a4c4;font-size:11px}
table{border-collapse:collapse;width:100%}th,td{padding:5px 9px;border-bottom:1px solid #1d2940;text-align:right;
white-space:nowrap}th{color:#93a4c4;font-weight:500}
th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}.figures{display:grid;grid-template-columns:
repeat(auto-fill,minmax(210px,1fr));gap:8px;margin:0}.figures div{background:#0d1422;border:1px solid #1d2940;border-radius:8px;
padding:8px 12px}dt{color:#93a4c4;font-size:12px}dd{margin:0;font-size:17px;font-weight:600}.gain,.good{color:#00ff88}.loss,.bad{
color:#ff5c8d}.warn{color:#ffb020}code{font-size:12px;overflow-wrap:anywhere}"""
#: Nothing but what stands in the file.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

Row = Sequence[str]
_COLUMNS = (
    "symbol", "opened_at", "closed_at", "entry_price", "exit_price", "quantity", "fees", "profit", "share", "r", "worst", "best",
    "reason", "leg",
)  # fmt: skip


def as_html(strategy: str, report: Report) -> str:
    """The page, in the current language."""
    title = escape(words.run_name(strategy, report.symbol, report.timeframe, len(report.legs) - 1))
    span = f"{words.day(report.began)} – {words.day(report.ended)}"
    tone, verdict = words.verdict(report)
    parts = [
        f"<h1>{title}</h1><p>{escape(span)}</p><p class='{tone}'>{escape(verdict)}</p>",
        *(f"<p class='warn'>{escape(one)}</p>" for one in words.cautions(report)),
        _figures(report),
        *(_table(heading, head, rows) for heading, head, rows in leg_tables(report)),
        *_charts(report),
        *(_table(heading, head, rows) for heading, head, rows in tables(report)),
        _section(_("Assumptions"), "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in assumptions(report)) + "</ul>"),
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1">'
    opening = f'<!doctype html><html lang="{current_language()}"><head>{head}<title>{title}</title><style>{_STYLE}</style></head>'
    return opening + "<body>" + "".join(parts) + "</body></html>"


def as_csv(report: Report) -> str:
    """The closed trades, one a line, with plain numbers: shares as fractions, times in UTC."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for one in report.closed:
        times = [iso_milliseconds(from_milliseconds(at)) for at in (one.opened_at, one.closed_at)]
        plain = [one.entry_price, one.exit_price, one.quantity, one.fees, one.profit, one.share]
        multiple = "" if one.multiple is None else one.multiple
        writer.writerow([one.symbol, *times, *plain, multiple, one.worst, one.best, _harmless(one.reason), one.leg + 1])
    return text.getvalue()


def tables(report: Report) -> list[tuple[str, Row, list[Row]]]:
    """Every table with its heading and head; those without rows are left out."""
    refusals = [_("Time"), _("Side"), _("Price"), _("Quantity"), _("Reason"), *([_("Pair")] if report.legs else [])]
    found: list[tuple[str, Row, list[Row]]] = [
        (_("Month by month"), [_("Year"), *words.month_names()], month_rows(report)),
        (_("Deepest drawdowns"), [_("From"), _("Lowest"), _("Recovered"), _("Depth"), _("Share")], fall_rows(report)),
        (_("By reason of exit"), [_("Reason"), _("Trades"), _("Won"), _("Profit"), _("Mean")], reason_rows(report)),
        (_("Closed trades"), trade_head(report), trade_rows(report)),
        (_("Refused or never filled"), refusals, refusal_rows(report)),
    ]
    return [one for one in found if one[2]]


def leg_tables(report: Report) -> list[tuple[str, Row, list[Row]]]:
    """What each leg brought, and all together; no table for a run of one strategy."""
    if not report.legs:
        return []
    rows = [
        [
            words.leg_name(number, leg.strategy, leg.symbol, leg.timeframe),
            words.number(leg.closed, 0),
            words.share(leg.won / leg.closed, 0) if leg.closed else words.NOTHING,
            words.number(leg.profit, 2),
            words.number(leg.fees, 2),
            words.share(leg.share),
        ]
        for number, leg in enumerate(report.legs, 1)
    ]
    closed, won = sum(leg.closed for leg in report.legs), sum(leg.won for leg in report.legs)
    whole = [
        _("All together"),
        words.number(closed, 0),
        words.share(won / closed, 0) if closed else words.NOTHING,
        words.number(report.profit, 2),
        words.number(sum(leg.fees for leg in report.legs), 2),
        words.share(report.profit / report.cash),
    ]
    head = [_("Leg"), _("Trades"), _("Won"), _("Profit"), _("Fees"), _("Part of the return")]
    return [(_("Leg by leg"), head, [*rows, whole])]


def month_rows(report: Report) -> list[Row]:
    """A row a year, a cell a month."""
    shares = {(one.year, one.month): one.share for one in report.months}
    years = sorted({year for year, _month in shares})
    return [
        [str(year), *(words.share(shares[year, month], 1) if (year, month) in shares else "" for month in range(1, 13))]
        for year in years
    ]


def fall_rows(report: Report) -> list[Row]:
    """The deepest falls."""
    return [
        [
            words.day(one.peak_at),
            words.day(one.trough_at),
            words.day(one.recovered_at) if one.recovered_at else _("not yet"),
            words.number(one.depth, 2),
            words.share(one.share),
        ]
        for one in report.drawdowns
    ]


def reason_rows(report: Report) -> list[Row]:
    """What each reason brought."""
    return [
        [
            words.reason_name(one.reason),
            str(one.count),
            words.share(one.won / one.count, 0),
            words.number(one.profit, 2),
            words.share(one.share),
        ]
        for one in report.reasons
    ]


def trade_head(report: Report) -> Row:
    """The head of the closed trades."""
    return [
        *([_("Leg")] if report.legs else []),
        _("Opened"), _("Closed"), _("Entry"), _("Exit"), _("Quantity"), _("Profit"), _("Share"), "R", _("Worst"), _("Best"),
        _("Reason"),
    ]  # fmt: skip


def trade_rows(report: Report) -> list[Row]:
    """Every closed trade."""
    return [
        [
            *([f"{one.leg + 1}. {one.symbol}"] if report.legs else []),
            words.moment(one.opened_at),
            words.moment(one.closed_at),
            words.price(one.entry_price),
            words.price(one.exit_price),
            words.quantity(one.quantity),
            words.number(one.profit, 2),
            words.share(one.share),
            words.NOTHING if one.multiple is None else words.number(one.multiple, 2),
            words.share(one.worst, 1),
            words.share(one.best, 1),
            words.reason_name(one.reason),
        ]
        for one in report.closed
    ]


def refusal_rows(report: Report) -> list[Row]:
    """Every order that came to nothing."""
    return [
        [
            words.moment(one.at),
            _("Purchase") if one.side == "buy" else _("Sale"),
            words.price(one.price),
            words.quantity(one.quantity),
            words.refusal_name(one.reason),
            *([one.symbol] if report.legs else []),
        ]
        for one in report.refused
    ]


def _figures(report: Report) -> str:
    quote = report.symbol.partition("/")[2]
    cells = [
        f'<div title="{escape(one.formula)}"><dt>{escape(one.title)}</dt><dd class="{one.tone}">{escape(one.value)}</dd></div>'
        for one in words.lines(report.figures, quote)
    ]
    return f'<dl class="figures">{"".join(cells)}</dl>'


def _charts(report: Report) -> Iterable[str]:
    if report.points:
        yield _section(_("Equity, and who holds"), drawings.equity(report.points, _("Equity, and who holds")))
        yield _section(_("Under water"), drawings.underwater(report.points, _("Under water")))
    for number, leg in enumerate(report.legs, 1):
        name = f"{_('Entries and exits')} · {words.leg_name(number, leg.strategy, leg.symbol, leg.timeframe)}"
        yield from _marks(name, leg.bars, [one for one in report.fills if one.leg + 1 == number], leg.lines)
    if report.bars and not report.legs:
        yield from _marks(_("Entries and exits"), report.bars, report.fills, report.lines)


def _marks(name: str, bars: Sequence[Bar], fills: Sequence[FilledOrder], lines: Sequence[ChartLine]) -> Iterable[str]:
    """The candles, and below them the charts that the strategy drew of its own."""
    yield _section(name, drawings.candles(bars, fills, [one for one in lines if not one.chart], name))
    for own in dict.fromkeys(one.chart for one in lines if one.chart):
        yield _section(own, drawings.own_chart(bars, [one for one in lines if one.chart == own], own))


def _table(heading: str, head: Row, rows: list[Row]) -> str:
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return _section(heading, f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>')


def _section(heading: str, inside: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{inside}</section>"


def _harmless(text: str) -> str:
    """A strategy's own words, which a spreadsheet must not take for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
