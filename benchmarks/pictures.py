"""How a picture looks: for a slide and a page, on dark and on light, with units and the run's facts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

INK, PALE, LINE, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
DARK = {INK: "#f0f6fc", PALE: "#9198a1", LINE: "#3d444d", PAPER: "#0d1117"}
"""What those four become in an SVG where the reader's page is dark."""

OURS = "#2f81f7"
OTHERS = ("#7d8590", "#d4731a", "#2da44e", "#a371f7", "#e5534b", "#b58a00", "#1b9e9e", "#d2589e", "#9a6b4f")
"""At least 3:1 against white and against the dark paper alike."""

MARKS = "osD^vP*Xhd<>"
Series = Mapping[str, Sequence[Sequence[Any]]]


class Picture:
    """A figure of matplotlib with the house's look."""

    def __init__(self, title: str, facts: str, *, high: float = 4.6) -> None:
        import matplotlib as mpl

        mpl.use("agg")
        from matplotlib import pyplot as plt

        mpl.rcParams.update(_STYLE)
        self._close = plt.close
        self.figure, self.axes = plt.subplots(figsize=(9.2, high), layout="constrained")
        self.axes.set_title(title, loc="left", fontweight="bold", fontsize=14, pad=12)
        self.figure.supxlabel(facts, x=0.01, ha="left", fontsize=7.5, color=PALE)
        for side in ("top", "right"):
            self.axes.spines[side].set_visible(False)

    def lines(self, series: Series, across: str, up: str) -> None:
        """Points joined, both axes logarithmic."""
        axes = self.axes
        for at, (name, points) in enumerate(series.items()):
            wide = 2.6 if is_ours(name) else 1.4
            drawn = [list(each) for each in zip(*points, strict=True)]
            axes.plot(
                *drawn, color=colour(series, name), marker=MARKS[at % len(MARKS)], lw=wide, ms=5, label=name
            )
        axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_plain)
        axes.grid(axis="y")
        self._legend()

    def grouped(self, series: Series, up: str) -> None:
        """A group of bars for each x, a bar for each series."""
        axes, width = self.axes, 0.8 / len(series)
        groups = [point[0] for point in next(iter(series.values()))]
        for at, (name, points) in enumerate(series.items()):
            places = [group + (at - (len(series) - 1) / 2) * width for group in range(len(groups))]
            bars = axes.bar(
                places, [y for _, y in points], width * 0.92, color=colour(series, name), label=name
            )
            axes.bar_label(bars, fmt=_short, fontsize=8, padding=2, color=INK)
        axes.set_xticks(range(len(groups)), groups)
        axes.set(ylabel=up)
        axes.grid(axis="y")
        axes.tick_params(axis="x", length=0)
        self._legend()

    def ranked(self, points: Sequence[Sequence[Any]], across: str, ours: set[str]) -> None:
        """One bar for each name, the longest on top."""
        axes = self.axes
        ordered = sorted(points, key=lambda point: point[1])
        colours = [OURS if name in ours else OTHERS[0] for name, _ in ordered]
        bars = axes.barh([name for name, _ in ordered], [value for _, value in ordered], color=colours)
        axes.bar_label(bars, fmt=_short, fontsize=9, padding=4, color=INK)
        axes.set(xlabel=across)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)

    def save(self, folder: Path, name: str) -> list[Path]:
        """As NAME.svg and NAME.png."""
        folder.mkdir(parents=True, exist_ok=True)
        svg, png = folder / f"{name}.svg", folder / f"{name}.png"
        self.figure.savefig(svg, metadata={"Date": None, "Creator": None})
        self.figure.savefig(png, dpi=180, metadata={"Software": None})
        self._close(self.figure)
        svg.write_text(_for_both(svg.read_text()))
        return [svg, png]

    def _legend(self) -> None:
        self.axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)


def is_ours(name: str) -> bool:
    """Whether a series is this library's: it is drawn in one colour, and thicker."""
    return "sqlalchemy-envelope" in name


def colour(series: Series, name: str) -> str:
    """Ours, or the next of the others: the same name has the same in every picture with the same names."""
    if is_ours(name) and sum(map(is_ours, series)) == 1:
        return OURS
    return OTHERS[list(series).index(name) % len(OTHERS)] if not is_ours(name) else _shade(series, name)


def _shade(series: Series, name: str) -> str:
    shades = (OURS, "#6ea8fe", "#1158c7")
    return shades[[each for each in series if is_ours(each)].index(name) % len(shades)]


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
