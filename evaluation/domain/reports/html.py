"""A page as one HTML file: no script, nothing to fetch, and everything written into it is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from evaluation.domain.charts_spark import HEIGHT, WIDTH, spark_of
from evaluation.domain.reports.page import Block, Cell, Code, Curve, Facts, Page, Section, Table, Text, Word

SECURITY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page's own policy (Content-Security-Policy): whatever was smuggled into it could do nothing."""

SHORT = 16
STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6878;--line:#dde2e9;--paper:#fff;--back:#f4f6f9;
--good:#157347;--warn:#946200;--bad:#b4232f;--mute:#e9edf2}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa6b6;--line:#313a47;--paper:#181e27;--back:#10151c;
--good:#5cc48d;--warn:#e0b04a;--bad:#f0767f;--mute:#262e39}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:0 0 .8rem}
.head{margin-bottom:1.5rem}
.head p{margin:0;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap;color:var(--soft);overflow-wrap:anywhere}
section{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.25rem;margin:0 0 1rem}
section>:last-child{margin-bottom:0}
p{margin:0 0 .8rem}
.wide{overflow-x:auto;margin:0 0 .9rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft);font-size:.82rem;text-align:left;white-space:nowrap}
th,td{padding:.38rem .8rem .38rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
td{overflow-wrap:break-word}
td:last-child:not(.n){min-width:11rem}
.dense{columns:2 20rem;column-gap:2.5rem}.dense>*{break-inside:avoid}
.dense td,.dense th{padding-top:.2rem;padding-bottom:.2rem}
.n{text-align:right}.n,.s{white-space:nowrap}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.4rem;margin:0 0 .9rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.w{display:inline-block;padding:.02rem .5rem;border-radius:99px;background:var(--mute);
font-size:.86rem;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.warn,.bad{font-weight:600}
svg{display:block;width:7.5rem;height:1.9rem}
svg path{fill:none;stroke:var(--good);stroke-width:1.5}svg.down path{stroke:var(--bad)}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{body{background:none}main{padding:0;max-width:none}section{break-inside:avoid-page;border-radius:0}}
"""


def to_html(page: Page) -> str:
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(SECURITY)}">'
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        f'<div class="head"><h1>{escape(page.title)}</h1>'
        f"<p>{word(page.verdict)}<span>{escape(page.headline)}</span></p></div>\n"
        f"{''.join(map(section, page.sections))}</main></body></html>\n"
    )


def section(part: Section) -> str:
    blocks = "".join(map(block, part.blocks))
    inner = f'<div class="dense">{blocks}</div>' if part.is_dense else blocks
    return f"<section><h2>{escape(part.title)}</h2>\n{inner}</section>\n"


def block(part: Block) -> str:
    if isinstance(part, Text):
        return f"<p>{escape(part.words)}</p>\n"
    if isinstance(part, Facts):
        pairs = "".join(f"<dt>{escape(name)}</dt><dd>{cell(value)}</dd>" for name, value in part.pairs)
        return f"<dl>{pairs}</dl>\n"
    return table(part)


def table(part: Table) -> str:
    head = "".join(
        f"<th{mark(name, place, part)}>{escape(name)}</th>" for place, name in enumerate(part.columns)
    )
    body = "".join(row(values, part) for values in part.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'


def row(values: Sequence[Cell], part: Table) -> str:
    cells = (f"<td{mark(value, place, part)}>{cell(value)}</td>" for place, value in enumerate(values))
    return f"<tr>{''.join(cells)}</tr>"


def mark(value: Cell, place: int, part: Table) -> str:
    """Numbers to the right; what is short is not broken."""
    if place in part.numbers:
        return ' class="n"'
    return ' class="s"' if isinstance(value, str) and len(value) <= SHORT else ""


def cell(value: Cell) -> str:
    if isinstance(value, Word):
        return word(value)
    if isinstance(value, Code):
        return f"<code>{escape(value.text)}</code>"
    if isinstance(value, Curve):
        return curve(value)
    return escape(value)


def word(value: Word) -> str:
    return f'<span class="w {value.tone}">{escape(value.text)}</span>'


def curve(value: Curve) -> str:
    drawn = spark_of(np.array(value.values, dtype=np.float64))
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return (
        f'<svg class="{drawn.tone}" {box} role="img" aria-label="{escape(drawn.words)}">'
        f'<path d="{drawn.line}"/></svg>'
    )
