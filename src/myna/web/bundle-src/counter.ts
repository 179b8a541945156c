// Characters written, beside a textarea: <textarea data-counter="id of the output">.

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What a reader would count: a family emoji is one character, not seven. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of letters.segment(text)) count += 1;
  return count;
}

export function watchCounters(root: ParentNode): void {
  for (const area of root.querySelectorAll<HTMLTextAreaElement>("textarea[data-counter]")) {
    const output = document.getElementById(area.dataset.counter ?? "");
    if (!output) continue;
    const show = (): void => {
      output.textContent = characters(area.value).toLocaleString(document.documentElement.lang);
    };
    area.addEventListener("input", show);
    show();
  }
}
