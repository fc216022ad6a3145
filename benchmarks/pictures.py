"""How a picture looks: for a slide and a page, on dark and on light, with units and the run's facts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

INK, PALE, LINE, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
DARK = {INK: "#f0f6fc", PALE: "#9198a1", LINE: "#3d444d", PAPER: "#0d1117"}
"""What those four become in an SVG where the reader's page is dark."""

OURS, PALE_BAR = "#2f81f7", "#7d8590"
COLOURS = {
    "sqlalchemy-envelope": OURS,
    "sqlalchemy-envelope, strict": "#6ea8fe",
    "sqlalchemy-envelope, AWS KMS for each value": "#6ea8fe",
    "plaintext": "#7d8590",
    "insert: plaintext": "#7d8590",
    "select: plaintext": "#b58a00",
    "select: sqlalchemy-envelope": "#6ea8fe",
    "bare primitives": "#7d8590",
    "bytea of the same size": "#b58a00",
    "SQLAlchemy, psycopg and two bytea": "#7d8590",
    "cryptography and OpenSSL": "#7d4cdb",
    "sqlalchemy-utils AES-CBC": "#a371f7",
    "sqlalchemy-utils AES-GCM": "#7d4cdb",
    "Fernet": "#d2589e",
    "Tink KMS envelope": "#2da44e",
    "Asherah": "#1b9e9e",
    "pymongocrypt": "#9a6b4f",
    "aws-encryption-sdk": "#d4731a",
    "aws-encryption-sdk, signed": "#e5534b",
}
"""Of those that are in several pictures; most have 3:1 against white and against the dark paper alike."""

SPARE = ("#2f81f7", "#d4731a", "#2da44e", "#7d8590")
MARKS = "osD^vP*Xhd<>p"
SIZE = 9.2
Series = Mapping[str, Sequence[Sequence[Any]]]


class Picture:
    """A figure of matplotlib with the house's look."""

    def __init__(self, title: str, facts: str, *, high: float = 4.6) -> None:
        import matplotlib as mpl

        mpl.use("agg")
        from matplotlib import pyplot as plt

        mpl.rcParams.update(_STYLE)
        self._close = plt.close
        self.figure, self.axes = plt.subplots(figsize=(SIZE, high), layout="constrained")
        self.figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=14)
        told = "\n".join(
            line for part in facts.splitlines() for line in wrap(part, 175, break_on_hyphens=False)
        )
        self.figure.supxlabel(told, x=0.01, ha="left", fontsize=7.5, color=PALE)
        for side in ("top", "right"):
            self.axes.spines[side].set_visible(False)

    def lines(self, series: Series, across: str, up: str) -> None:
        """Points joined, both axes logarithmic."""
        axes = self.axes
        for at, (name, points) in enumerate(series.items()):
            drawn = [list(each) for each in zip(*points, strict=True)]
            wide = 2.6 if is_ours(name) else 1.4
            mark = MARKS[at % len(MARKS)]
            axes.plot(*drawn, color=colour(name, at), marker=mark, lw=wide, ms=5, label=name)
        axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
        places = sorted({x for points in series.values() for x, _ in points})
        axes.set_xticks(places, [f"{x:,}" for x in places])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(_plain)
        axes.grid(axis="y")
        self._legend([points[-1][1] for points in series.values()])

    def grouped(self, series: Series, up: str) -> None:
        """A group of bars for each x, a bar for each series."""
        axes, width = self.axes, 0.8 / len(series)
        groups = [point[0] for point in next(iter(series.values()))]
        for at, (name, points) in enumerate(series.items()):
            places = [group + (at - (len(series) - 1) / 2) * width for group in range(len(groups))]
            bars = axes.bar(places, [y for _, y in points], width * 0.92, color=colour(name, at), label=name)
            axes.bar_label(bars, fmt=_short, fontsize=8, padding=2, color=INK)
        axes.set_xticks(range(len(groups)), groups)
        axes.set(ylabel=up)
        axes.grid(axis="y")
        axes.tick_params(axis="x", length=0)
        self._legend([0.0] * len(series))

    def ranked(self, points: Sequence[Sequence[Any]], across: str, ours: set[str]) -> None:
        """One bar for each name, the longest on top."""
        axes = self.axes
        ordered = sorted(points, key=lambda point: point[1])
        colours = [OURS if name in ours else PALE_BAR for name, _ in ordered]
        bars = axes.barh([name for name, _ in ordered], [value for _, value in ordered], color=colours)
        axes.bar_label(bars, fmt=_short, fontsize=9, padding=4, color=INK)
        axes.set(xlabel=across)
        axes.xaxis.set_major_formatter(_plain)
        axes.margins(x=0.1)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)

    def stacked(self, series: Series, across: str) -> None:
        """One bar for each x, its parts side by side, the first x on top."""
        axes = self.axes
        names = [name for name, _ in next(iter(series.values()))]
        totals = [sum(value for _, value in each) for each in zip(*series.values(), strict=True)]
        reached = [0.0] * len(names)
        for at, (name, points) in enumerate(series.items()):
            values = [value for _, value in points]
            bars = axes.barh(names, values, left=reached, color=colour(name, at), label=name)
            told = [f"{value:,.0f}" if value > max(totals) / 40 else "" for value in values]
            axes.bar_label(bars, told, label_type="center", fontsize=8, color=PAPER)
            reached = [before + value for before, value in zip(reached, values, strict=True)]
        axes.invert_yaxis()
        axes.set(xlabel=across)
        axes.xaxis.set_major_formatter(_plain)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="upper right", framealpha=1, edgecolor=LINE, facecolor=PAPER, fontsize=9)

    def save(self, folder: Path, name: str) -> list[Path]:
        """As NAME.svg and NAME.png."""
        folder.mkdir(parents=True, exist_ok=True)
        svg, png = folder / f"{name}.svg", folder / f"{name}.png"
        self.figure.savefig(svg, metadata={"Date": None, "Creator": None})
        self.figure.savefig(png, dpi=180, metadata={"Software": None})
        self._close(self.figure)
        svg.write_text(_for_both(svg.read_text()))
        return [svg, png]

    def _legend(self, last: Sequence[float]) -> None:
        """Beside the picture, in the order in which lines end there."""
        handles, names = self.axes.get_legend_handles_labels()
        order = sorted(range(len(names)), key=lambda at: -last[at])
        told = [handles[at] for at in order], [names[at] for at in order]
        self.axes.legend(*told, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)


def is_ours(name: str) -> bool:
    """Whether a series is this library's: it is drawn in its colours, and thicker."""
    return "sqlalchemy-envelope" in name


def colour(name: str, at: int) -> str:
    """The name's own, in every picture; else the spare one of its place."""
    return COLOURS.get(name, OURS if is_ours(name) else SPARE[at % len(SPARE)])


def _plain(value: float, _: object) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _for_both(svg: str) -> str:
    """The SVG with a rule that takes the dark colours where the reader's page is dark."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark} !important}}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return re.sub(r"(<svg [^>]*>)", rf"\1\n{style}", svg, count=1)


_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.hashsalt": "sqlalchemy-envelope",
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": PALE,
    "axes.axisbelow": True,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
}
