// Shows every mail of `cases` in a frame of its own, and when all are there
// writes into #report what a reader would meet. A frame's prefers-color-scheme
// is the color-scheme of the element that embeds it.

const frames = cases.map((c) => {
  const frame = document.createElement("iframe");
  frame.style.cssText =
    `width:${c.width}px;height:${c.height}px;border:0;vertical-align:top;color-scheme:${c.scheme}`;
  frame.srcdoc = c.html;
  document.getElementById("frames").append(frame);
  return frame;
});

// luminance and contrast are those of WCAG 2.2.
function luminance([r, g, b]) {
  const linear = [r, g, b].map((v) => {
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const channels = (color) => color.match(/[\d.]+/g).map(Number);

// background is the first opaque one behind an element.
function background(win, element) {
  for (let e = element; e; e = e.parentElement) {
    const color = channels(win.getComputedStyle(e).backgroundColor);
    if (color.length === 3) return color;
  }
  return [255, 255, 255];
}

const rect = (element) => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left, top, width, height };
};

function measure(frame, c) {
  const win = frame.contentWindow;
  const doc = frame.contentDocument;
  const root = doc.documentElement;
  const shown = [...doc.body.querySelectorAll("*")].filter((e) => e.getClientRects().length > 0);
  const texts = shown
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== ""))
    .map((e) => {
      const style = win.getComputedStyle(e);
      return {
        text: e.textContent.trim(),
        size: parseFloat(style.fontSize),
        contrast: contrast(channels(style.color), background(win, e)),
      };
    });
  const button = doc.querySelector("a.button-link");
  return {
    name: c.name,
    dark: win.matchMedia("(prefers-color-scheme: dark)").matches,
    page: luminance(background(win, doc.body)),
    viewport: root.clientWidth,
    scrollWidth: root.scrollWidth,
    scrollHeight: root.scrollHeight,
    rightmost: Math.max(...shown.map((e) => e.getBoundingClientRect().right)),
    card: rect(doc.querySelector(".card")),
    button: rect(button),
    buttonColor: background(win, button),
    frame: rect(frame),
    texts,
    loaded: win.performance.getEntriesByType("resource").map((r) => r.name),
  };
}

addEventListener("load", () => {
  const report = frames.map((frame, i) => measure(frame, cases[i]));
  document.getElementById("report").textContent = JSON.stringify(report);
});
