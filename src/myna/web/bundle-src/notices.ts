// What went wrong is said, to eyes and to screen readers; and after "More" the focus goes on where the new posts begin.

interface Swapped {
  xhr?: XMLHttpRequest;
  target?: Element;
}

export function watchNotices(): void {
  const notice = document.getElementById("live");
  const say = (text: string): void => {
    if (notice) notice.textContent = text;
  };
  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = (event as CustomEvent<Swapped>).detail;
    const plain = (xhr?.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
    say(plain && xhr ? xhr.responseText : (notice?.dataset.failed ?? ""));
  });
  document.body.addEventListener("htmx:sendError", () => say(notice?.dataset.offline ?? ""));
  document.body.addEventListener("htmx:beforeRequest", () => say(""));
  document.body.addEventListener("htmx:afterSwap", () => {
    document.querySelector<HTMLElement>("[data-begin]:not([data-begun])")?.focus();
    document.querySelector("[data-begin]")?.setAttribute("data-begun", "");
  });
}
