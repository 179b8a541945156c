// What was read of a feed, told to this server alone: a post half in view for a second counts as seen, the time it
// stays is its dwell, opening it is a click. The feed learns from this what not to show again.

interface Look {
  since: number;
  seconds: number;
  told: boolean;
}

const looks = new Map<string, Look>();
const halfway = 0.5;
const glance = 1;
let observer: IntersectionObserver | undefined;

function leave(look: Look): void {
  if (look.since) look.seconds += (performance.now() - look.since) / 1000;
  look.since = 0;
}

function tell(): void {
  const form = new FormData();
  for (const [post, look] of looks) {
    const watching = look.since > 0;
    leave(look);
    if (look.seconds >= glance && !look.told) {
      form.append("post", post);
      form.append("seconds", look.seconds.toFixed(1));
      look.told = true;
    }
    if (watching && document.visibilityState === "visible") look.since = performance.now();
  }
  if (form.has("post")) navigator.sendBeacon("/do/seen", form);
}

function start(): IntersectionObserver {
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") tell();
  });
  addEventListener("pagehide", tell);
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a[data-opens]");
    if (!(link instanceof HTMLElement)) return;
    const form = new FormData();
    form.append("post", link.dataset.opens ?? "");
    navigator.sendBeacon("/do/open", form);
  });
  return new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const post = (entry.target as HTMLElement).dataset.post;
        if (!post) continue;
        const look = looks.get(post) ?? { since: 0, seconds: 0, told: false };
        looks.set(post, look);
        leave(look);
        if (entry.isIntersecting) look.since = performance.now();
      }
    },
    { threshold: halfway },
  );
}

export function watchReading(root: ParentNode): void {
  for (const article of root.querySelectorAll("article[data-post]")) {
    observer ??= start();
    observer.observe(article);
  }
}
