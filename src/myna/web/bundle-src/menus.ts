// Menus are <details class="menu">: Escape closes the one that has the focus, a click elsewhere closes all.

export function watchMenus(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = (document.activeElement as HTMLElement | null)?.closest<HTMLDetailsElement>("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector<HTMLElement>("summary")?.focus();
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!open.contains(event.target as Node)) open.open = false;
    }
  });
}
