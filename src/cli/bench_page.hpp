// The page of `tonari bench --html`: style, skeleton and script, before and after the data. It loads nothing.
#pragma once

namespace tonari::cli {

inline constexpr char page_before_title[] = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root {
  --page: #fbfbfa; --card: #ffffff; --ink: #1c1e21; --soft: #62676f; --line: #e4e4e0; --grid: #eeeeea;
  --c0: #2463d6; --c1: #d9580d; --c2: #0b8a76; --c3: #a730b8; --c4: #a97d00; --c5: #cc2b3f; --c6: #5b4bd0; --c7: #4d7f12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131518; --card: #1a1d21; --ink: #e9eaec; --soft: #9aa1ab; --line: #30343a; --grid: #262a2f;
    --c0: #6ea0ff; --c1: #ff9a5c; --c2: #45cdb5; --c3: #df8bee; --c4: #e3bd4f; --c5: #ff8091; --c6: #a79bff; --c7: #a5d163;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 36px 28px 56px; }
h1 { font-size: 26px; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 15px; font-weight: 620; margin: 0; }
p { margin: 0; }
.facts { color: var(--soft); }
.facts span + span::before { content: "\00b7"; margin: 0 .55em; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; margin: 26px 0 14px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 6px; flex: 1; margin-left: -9px; }
button { font: inherit; color: inherit; background: none; border: 1px solid transparent; border-radius: 7px; padding: 3px 9px; cursor: pointer; }
button:hover { background: var(--grid); }
button:focus-visible { outline: 2px solid var(--c0); outline-offset: 1px; }
.legend button { display: inline-flex; align-items: center; gap: 7px; }
.legend button[aria-pressed=false] { opacity: .38; }
.legend svg { width: 26px; height: 12px; }
.scale { display: inline-flex; border: 1px solid var(--line); border-radius: 8px; padding: 2px; font-size: 13px; }
.scale button { border: 0; padding: 2px 10px; color: var(--soft); }
.scale button[aria-pressed=true] { background: var(--grid); color: var(--ink); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 18px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px 10px; min-width: 0; position: relative; }
.card p { color: var(--soft); font-size: 13px; }
.plot { display: block; width: 100%; height: auto; margin-top: 6px; overflow: visible; touch-action: pan-y; }
.plot text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.plot .label { font-size: 12.5px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--line); }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.exact { stroke-dasharray: 3 5; stroke-width: 1.4; opacity: .75; }
.mark { stroke: var(--card); stroke-width: 1.2; }
.knee { fill: none; stroke-width: 1.6; }
.off { display: none; }
#tip { position: fixed; z-index: 2; pointer-events: none; visibility: hidden; background: var(--card); color: var(--ink);
  border: 1px solid var(--line); border-radius: 9px; padding: 9px 12px; font-size: 13px; box-shadow: 0 6px 24px rgb(0 0 0 / .16); min-width: 150px; }
#tip b { display: block; margin-bottom: 3px; }
#tip table { width: 100%; } #tip td { padding: 0; border: 0; } #tip td:first-child { color: var(--soft); padding-right: 16px; text-align: left; }
section { margin-top: 30px; }
.scroll { overflow-x: auto; margin-top: 8px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
.scroll table { width: 100%; }
th, td { text-align: right; padding: 6px 12px; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 560; color: var(--soft); font-size: 13px; }
th:first-child, td:first-child { text-align: left; padding-left: 2px; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 8px; }
.soft { color: var(--soft); }
details summary { cursor: pointer; font-weight: 620; }
footer { margin-top: 36px; color: var(--soft); font-size: 13px; }
</style>
<title>)page";

inline constexpr char page_before_data[] = R"page(</title>
</head>
<body>
<main>
<h1 id="title"></h1>
<p class="facts" id="facts"></p>
<p class="facts" id="busy"></p>
<div class="bar"><div class="legend" id="legend"></div>
<div class="scale" id="scale" role="group" aria-label="Scale of the recall axis"><button data-scale="logit">nines</button><button data-scale="linear">linear</button></div></div>
<div class="plots">
<div class="card"><h2>Throughput</h2><p>Queries per second against recall: up and to the right is better.</p><div id="qps"></div></div>
<div class="card"><h2>Tail latency</h2><p>99th percentile per query against recall: down and to the right is better.</p><div id="p99"></div></div>
</div>
<section><h2>At equal recall</h2><div class="scroll" id="equal"></div><p class="soft" id="floor" style="margin-top:8px"></p></section>
<section><details><summary>Every measured point</summary><div class="scroll" id="points"></div></details></section>
<footer id="foot"></footer>
<noscript>The plots are drawn by a script inside this page.</noscript>
</main>
<div id="tip" role="status"></div>
<script type="application/json" id="data">)page";

inline constexpr char page_after_data[] = R"page(</script>
<script>
'use strict';
const bench = JSON.parse(document.getElementById('data').textContent);
const runs = bench.results, hidden = new Set(), byId = id => document.getElementById(id);
const escaped = text => String(text).replace(/[&<>"]/g, c => '&#' + c.charCodeAt(0) + ';');
const color = i => `var(--c${i % 8})`;
const number = v => v >= 100 ? Math.round(v).toLocaleString('en') : v >= 10 ? v.toFixed(1) : v >= 1 ? v.toFixed(2) : v.toFixed(3);
const time = us => us >= 1e6 ? number(us / 1e6) + ' s' : us >= 1e3 ? number(us / 1e3) + ' ms' : number(us) + ' \u00b5s';
const short = v => v >= 1e6 ? v / 1e6 + 'M' : v >= 1e3 ? v / 1e3 + 'k' : String(v);
const bytes = b => { const u = ['B', 'KiB', 'MiB', 'GiB', 'TiB']; let i = 0; while (b >= 1024 && i < 4) { b /= 1024; i++; } return b.toFixed(b < 100 && i ? 1 : 0) + ' ' + u[i]; };
const setting = p => Object.entries(p.params).map(([key, value]) => key + ' ' + value).join(', ') || 'exact';
let scale = 'logit';

const shapes = [
  (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  (x, y, r) => `<rect x="${x - r * .88}" y="${y - r * .88}" width="${r * 1.76}" height="${r * 1.76}"/>`,
  (x, y, r) => `<path d="M${x} ${y - r * 1.25}L${x + r * 1.15} ${y + r * .85}H${x - r * 1.15}Z"/>`,
  (x, y, r) => `<path d="M${x} ${y - r * 1.3}L${x + r * 1.3} ${y}L${x} ${y + r * 1.3}L${x - r * 1.3} ${y}Z"/>`];
const mark = (i, x, y, r) => `<g class="mark" fill="${color(i)}">${shapes[i % 4](x, y, r)}</g>`;

// The recall axis. "nines" spaces 0.9, 0.99, 0.999 evenly, since that is how effort grows; 1 stands at its end.
function recallAxis() {
  const all = runs.flatMap(r => r.points.map(p => p.recall)), below = all.filter(r => r < 1);
  if (scale === 'linear') {
    const low = Math.min(...all, .98), step = [.002, .005, .01, .02, .05, .1, .2].find(s => (1 - low) / s <= 8) || .5;
    const first = Math.max(0, Math.floor(low / step - .2) * step), ticks = [];
    for (let t = first; t < 1 + step / 2; t += step) ticks.push(Math.min(1, t));
    return { at: r => (r - first) / (1 - first) * .97, ticks, text: t => String(+t.toFixed(3)) };
  }
  const nines = r => -Math.log10(1 - r), low = Math.min(...below.map(nines), 1) - .12;
  const top = Math.max(...below.map(nines), 2), end = all.some(r => r >= 1) ? top + .35 : top + .12;
  const wanted = [0, .5, .7, .8, .9, .95, .98, .99, .995, .998, .999, .9995, .9999].filter(r => nines(r) >= low && nines(r) <= top + .1);
  return { at: r => ((r >= 1 ? end : nines(r)) - low) / (end - low), ticks: all.some(r => r >= 1) ? [...wanted, 1] : wanted, text: String };
}

function logAxis(values) {
  let low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
  const pad = Math.max(.06, (.6 - (high - low)) / 2, (high - low) * .05);
  low -= pad; high += pad;
  const ticks = [], steps = high - low > 3.6 ? [1] : high - low > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  for (let e = Math.floor(low); e <= high; e++) for (const s of steps) { const t = Math.log10(s) + e; if (t >= low && t <= high) ticks.push(+(s * 10 ** e).toPrecision(3)); }
  return { at: v => (Math.log10(v) - low) / (high - low), ticks };
}

const plots = [];
function draw(id, key, label, text) {
  const W = 600, H = 400, L = 72, R = 18, T = 14, B = 50;
  const points = runs.flatMap((run, i) => run.points.map(point => ({ i, run, point }))).filter(p => p.point[key] > 0);
  if (!points.length) return;
  const xs = recallAxis(), ys = logAxis(points.map(p => p.point[key]));
  const x = r => +(L + xs.at(r) * (W - L - R)).toFixed(1), y = v => +(H - B - ys.at(v) * (H - T - B)).toFixed(1);
  let out = '', lastLabel = -99;
  for (const t of ys.ticks) out += `<line class="grid" x1="${L}" x2="${W - R}" y1="${y(t)}" y2="${y(t)}"/><text x="${L - 9}" y="${y(t) + 4}" text-anchor="end">${text(t)}</text>`;
  for (const t of xs.ticks) {
    out += `<line class="grid" x1="${x(t)}" x2="${x(t)}" y1="${T}" y2="${H - B}"/>`;
    if (x(t) - lastLabel > 34) { out += `<text x="${x(t)}" y="${H - B + 19}" text-anchor="middle">${xs.text(t)}</text>`; lastLabel = x(t); }
  }
  out += `<line class="axis" x1="${L}" x2="${W - R}" y1="${H - B}" y2="${H - B}"/><line class="axis" x1="${L}" x2="${L}" y1="${T}" y2="${H - B}"/>`;
  out += `<text class="label" x="${(L + W - R) / 2}" y="${H - 8}" text-anchor="middle">recall@${bench.k}</text>`;
  out += `<text class="label" transform="translate(12 ${(T + H - B) / 2}) rotate(-90)" text-anchor="middle">${label}</text>`;
  runs.forEach((run, i) => {
    const own = points.filter(p => p.i === i);
    if (!own.length || hidden.has(i)) return;
    const at = own.map(p => [x(p.point.recall), y(p.point[key])]);
    out += own.length === 1 ? `<line class="curve exact" stroke="${color(i)}" x1="${L}" x2="${W - R}" y1="${at[0][1]}" y2="${at[0][1]}"/>`
      : `<polyline class="curve" stroke="${color(i)}" points="${at.map(p => p.join(',')).join(' ')}"/>`;
    at.forEach((p, n) => { out += mark(i, p[0], p[1], own.length === 1 ? 5 : 3.6);
      if (run.knee && own[n].point.recall === run.knee.recall && own[n].point.p99_us === run.knee.p99_us) out += `<circle class="knee" stroke="${color(i)}" cx="${p[0]}" cy="${p[1]}" r="8"/>`; });
  });
  byId(id).innerHTML = `<svg class="plot" viewBox="0 0 ${W} ${H}" role="img" aria-label="${label} against recall">${out}<g class="focus"></g></svg>`;
  plots.push({ svg: byId(id).firstChild, W, places: points.filter(p => !hidden.has(p.i)).map(p => ({ ...p, x: x(p.point.recall), y: y(p.point[key]) })) });
}

function focus(found, event) {
  for (const plot of plots) {
    const same = found && plot.places.find(p => p.point === found.point);
    plot.svg.querySelector('.focus').innerHTML = same ? mark(same.i, same.x, same.y, 6.5) : '';
  }
  const tip = byId('tip');
  if (!found) { tip.style.visibility = 'hidden'; return; }
  const p = found.point, isKnee = found.run.knee && p.recall === found.run.knee.recall && p.p99_us === found.run.knee.p99_us;
  tip.innerHTML = `<b><span class="dot" style="background:${color(found.i)}"></span>${escaped(found.run.index)}</b><table>` + [['setting', setting(p) + (isKnee ? ' (knee)' : '')],
    ['recall', p.recall.toFixed(4)], ['QPS', number(p.qps)], ['mean', time(p.mean_us)], ['median', time(p.p50_us)], ['p99', time(p.p99_us)]]
    .map(row => `<tr><td>${row[0]}</td><td>${escaped(row[1])}</td></tr>`).join('') + '</table>';
  const box = tip.getBoundingClientRect(), left = event.clientX + 16 + box.width > innerWidth ? event.clientX - box.width - 16 : event.clientX + 16;
  tip.style.left = Math.max(4, left) + 'px';
  tip.style.top = Math.max(4, Math.min(event.clientY - box.height / 2, innerHeight - box.height - 4)) + 'px';
  tip.style.visibility = 'visible';
}

function render() {
  plots.length = 0;
  draw('qps', 'qps', bench.threads > 1 ? `queries per second, ${bench.threads} threads` : 'queries per second', short);
  draw('p99', 'p99_us', 'p99 latency', us => us >= 1e6 ? us / 1e6 + ' s' : us >= 1e3 ? us / 1e3 + ' ms' : us + ' \u00b5s');
  for (const plot of plots) {
    plot.svg.addEventListener('pointermove', event => {
      const box = plot.svg.getBoundingClientRect(), zoom = plot.W / box.width;
      const px = (event.clientX - box.left) * zoom, py = (event.clientY - box.top) * zoom;
      let best = null, least = 40 * 40;
      for (const p of plot.places) { const d = (p.x - px) ** 2 + (p.y - py) ** 2; if (d < least) { least = d; best = p; } }
      focus(best, event);
    });
    plot.svg.addEventListener('pointerleave', () => focus(null));
  }
  byId('legend').innerHTML = runs.map((run, i) => `<button data-run="${i}" aria-pressed="${!hidden.has(i)}"><svg viewBox="0 0 26 12"><line x1="0" x2="26" y1="6" y2="6" stroke="${color(i)}" stroke-width="2.2"/>${mark(i, 13, 6, 4)}</svg>${escaped(run.index)}</button>`).join('');
  for (const button of byId('scale').children) button.setAttribute('aria-pressed', button.dataset.scale === scale);
}
byId('legend').addEventListener('click', event => {
  const button = event.target.closest('button'); if (!button) return;
  const i = +button.dataset.run; hidden.has(i) ? hidden.delete(i) : hidden.add(i); render();
});
byId('scale').addEventListener('click', event => { if (event.target.dataset.scale) { scale = event.target.dataset.scale; render(); } });

const cells = (tag, row) => '<tr>' + row.map(c => `<${tag}>${c}</${tag}>`).join('') + '</tr>';
const table = (head, rows) => `<table><thead>${cells('th', head)}</thead><tbody>${rows.map(r => cells('td', r)).join('')}</tbody></table>`;
const named = (run, i) => `<span class="dot" style="background:${color(i)}"></span>${escaped(run.index)}`;
byId('title').textContent = bench.dataset;
byId('facts').innerHTML = [`${bench.n.toLocaleString('en')} \u00d7 ${bench.dim} ${bench.element}`, 'metric ' + bench.metric, 'k = ' + bench.k,
  bench.queries.toLocaleString('en') + ' queries', bench.threads + (bench.threads === 1 ? ' thread' : ' threads'), bench.machine, bench.date.slice(0, 16).replace('T', ' ') + ' UTC'].map(f => `<span>${escaped(f)}</span>`).join('');
const recalls = ['0.90', '0.95', '0.99'];
byId('equal').innerHTML = table(['index', 'build', 'size', ...recalls.flatMap(r => ['QPS at ' + r, 'p99'])], runs.map((run, i) => [named(run, i),
  run.build_seconds < 1 ? number(run.build_seconds * 1e3) + ' ms' : number(run.build_seconds) + ' s', bytes(run.bytes),
  ...recalls.flatMap(r => { const a = run.at_recall[r]; return a ? [(a.floor ? '\u2265 ' : '') + number(a.qps), time(a.p99_us)] : ['<span class="soft">not reached</span>', '']; })]));
byId('floor').textContent = runs.some(r => Object.values(r.at_recall).some(a => a.floor)) ? '\u2265: the lowest setting already exceeds this recall; its figures are shown.' : '';
byId('points').innerHTML = table(['index', 'setting', 'recall', 'QPS', 'mean', 'median', 'p99'], runs.flatMap((run, i) => run.points.map(p =>
  [named(run, i), setting(p), p.recall.toFixed(4), number(p.qps), time(p.mean_us), time(p.p50_us), time(p.p99_us)])));
byId('busy').textContent = bench.busy ? 'Note: ' + bench.busy + '.' : '';
byId('foot').textContent = `Measured by tonari bench. Recall counts unique ids and accepts ties of distance; ground truth: ${bench.ground_truth}. Latency is taken around each query, warm. A ring marks the knee of recall against p99.`;
render();
</script>
</body>
</html>
)page";

}  // namespace tonari::cli
