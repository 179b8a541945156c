// The training curve, live: asks for its points every two seconds and draws them with uPlot; beside it what the model
// wrote last.
import uPlot from "uplot";

interface Point {
  step: number;
  loss: number | null;
  bits_per_byte: number | null;
}

interface Sample {
  step: string;
  text: string;
}

interface Curve {
  points: Point[];
  says: string;
  samples: Sample[];
}

const every = 2000;

function showSamples(samples: Sample[]): void {
  const place = document.getElementById("samples");
  const list = place?.querySelector("ol");
  if (!place || !list) return;
  // Unchanged ones stay: somebody may be selecting or hearing them.
  const shown = JSON.stringify(samples);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(
    ...samples.map(({ step, text }) => {
      const item = document.createElement("li");
      const when = document.createElement("span");
      when.className = "hint";
      when.textContent = step;
      const words = document.createElement("div");
      words.className = "words";
      words.dir = "auto";
      words.textContent = text;
      item.append(when, words);
      return item;
    }),
  );
  place.hidden = !samples.length;
}

export function drawCurve(): void {
  const place = document.getElementById("curve");
  if (!place) return;
  const { loss = "loss", bits = "bits per byte", step = "step" } = place.dataset;
  const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = (): Partial<uPlot.Axis> => ({
    stroke: () => token("--muted"),
    grid: { stroke: () => token("--line"), width: 1 },
    ticks: { stroke: () => token("--line"), width: 1 },
  });
  const options = (): uPlot.Options => ({
    width: place.clientWidth,
    height: 260,
    scales: { x: { time: false } },
    axes: [axis(), axis(), { ...axis(), side: 1, scale: "bits", grid: { show: false } }],
    series: [
      { label: step },
      { label: loss, stroke: () => token("--accent"), width: 2, spanGaps: true },
      {
        label: bits,
        scale: "bits",
        stroke: () => token("--second"),
        width: 2,
        dash: [6, 4],
        spanGaps: true,
        points: { show: true, size: 6 },
      },
    ],
  });
  let plot: uPlot | undefined;

  const draw = (curve: Curve): void => {
    const says = document.getElementById("curve-says");
    if (says && says.textContent !== curve.says) says.textContent = curve.says;
    showSamples(curve.samples);
    if (!curve.points.length) return;
    const data: uPlot.AlignedData = [
      curve.points.map((point) => point.step),
      curve.points.map((point) => point.loss),
      curve.points.map((point) => point.bits_per_byte),
    ];
    if (plot) plot.setData(data);
    else plot = new uPlot(options(), data, place);
  };

  const ask = async (): Promise<void> => {
    if (document.visibilityState === "visible") {
      try {
        const answer = await fetch("/overview/curve.json");
        if (answer.ok) draw((await answer.json()) as Curve);
      } catch {
        // The server is away for a moment, as while it starts anew; the next look tells.
      }
    }
    setTimeout(() => void ask(), every);
  };

  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: 260 })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot?.redraw());
  void ask();
}
