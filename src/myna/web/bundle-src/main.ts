// The one script of the pages. Everything works without it; it spares reloads and draws what is live.
import htmx from "htmx.org/dist/htmx.esm.js";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/ground.css";
import "./styles/controls.css";
import "./styles/posts.css";
import "./styles/pages.css";
import { watchCounters } from "./counter";
import { drawCurve } from "./curve";
import { watchMenus } from "./menus";
import { watchNotices } from "./notices";
import { watchReading } from "./reading";

// The content security policy allows no inline style and no evaluated code; nothing read is kept in the browser.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

document.documentElement.classList.add("scripted");
watchNotices();
watchMenus();
watchCounters(document);
watchReading(document);
drawCurve();

htmx.onLoad((added) => {
  if (added instanceof Element) {
    watchCounters(added);
    watchReading(added);
  }
});
