"""`python plot.py FIGURES.json PICTURE.png`: what `make bench` measured as one picture. Needs matplotlib (.venv-bench)."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

PANELS = (
    ("warm", "Processor time of a warm call, ms"),
    ("cold", "Cold start to the first answer, ms"),
    ("peak", "Peak memory at the first answer, MiB"),
)
LOOKS = {"floor": "#b8bfc7", "before": "#9ccbb0", "ours": "#12874a", "peer": "#e08a3c"}
WORDS = {"floor": "floor", "before": "this project before", "ours": "this project", "peer": "the usual way"}


def draw(measured: dict[str, Any], picture: Path) -> None:
    """One panel a measure, a group of bars an endpoint."""
    mpl.use("Agg")
    figures = measured["figures"]
    endpoints = list(figures)
    names = [name for name in LOOKS if name in next(iter(figures.values()))]
    panels = [panel for panel in PANELS if panel[0] in figures[endpoints[0]][names[0]]]
    canvas, axes = plt.subplots(
        len(panels), 1, figsize=(10, 3.1 * len(panels)), layout="constrained", squeeze=False
    )
    width = 0.8 / len(names)
    for axis, (measure, title) in zip(axes[:, 0], panels, strict=True):
        for place, name in enumerate(names):
            heights = [figures[endpoint][name][measure] for endpoint in endpoints]
            where = [group + (place - (len(names) - 1) / 2) * width for group in range(len(endpoints))]
            bars = axis.bar(where, heights, width * 0.94, color=LOOKS[name], label=WORDS[name])
            axis.bar_label(bars, fmt="%.1f" if measure == "warm" else "%.0f", fontsize=7, padding=1)
        axis.set_title(title, loc="left", fontsize=11)
        axis.set_xticks(range(len(endpoints)), endpoints)
        axis.margins(x=0.01, y=0.12)
        axis.tick_params(axis="x", length=0)
        axis.spines[["top", "right"]].set_visible(False)
    canvas.legend(
        *axes[0, 0].get_legend_handles_labels(), frameon=False, ncols=len(names), loc="outside upper right"
    )
    canvas.supxlabel(measured["machine"], fontsize=8, color="#666666")
    canvas.savefig(picture, dpi=110)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
