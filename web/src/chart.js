// Charts over time: uPlot with the page's colours, zoom by dragging, buttons and keys for the rest.
import { uPlot } from 'uplot'
import { absolute, short } from './format.js'
import { h, icon, say } from './dom.js'

const drawn = new Set()

const color = (el, name) => getComputedStyle(el).getPropertyValue(name.replace(/^var\((.*)\)$/, '$1')).trim() || name

// Light or dark: drawn anew with the other colours.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.forEach((c) => c.redraw()))

// The page's letters grow with the screen, and charts with them.
const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 15

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries)
    for (const c of drawn) if (c.place === target) c.resize(contentRect.width, contentRect.height)
})

// Sums from the last series down, so that each is drawn in front of those below it.
function stacked(data) {
  const sums = data[0].map(() => 0)
  const out = data.slice(1).map((values) => values.map((v, i) => (sums[i] += v ?? 0)))
  return [data[0], ...out.reverse()]
}

// "07:30", and the day where another one begins.
function timeLabels(_, ticks, __, ___, step) {
  let day = null
  return ticks.map((t) => {
    const at = new Date(t * 1000)
    const date = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...(step < 60 ? { second: '2-digit' } : {}) })
    const fresh = date !== day
    day = date
    return step >= 86400 ? date : fresh ? `${time}\n${date}` : time
  })
}

const stepOf = (at) => at.length > 1 ? at[1] - at[0] : 60

// So few values that a line alone would not show them.
const few = (plot, i) => plot.data[i].filter((v) => v != null).length < 3

// series: {label, color ('var(--x)'), text(value)}; kind: 'lines', 'steps' or 'bars' (stacked).
// onzoom(since, until): a range was chosen.
export function chart({ label, series, kind = 'lines', height = 220, onzoom, unit = short }) {
  const place = h('div', { class: 'chart', style: { '--chart-height': height } })
  const values = h('p', { class: 'chart-values', 'aria-hidden': 'true' })
  const summary = h('p', { class: 'unseen' })
  const root = h('div', { class: 'chart-box', role: 'group', 'aria-label': label }, values, place, summary)
  const shown = kind === 'bars' ? [...series].reverse() : series
  let plot = null
  let data = [[], ...series.map(() => [])]
  let raw = data

  const legend = (i) => {
    const at = i == null ? null : raw[0][i]
    values.replaceChildren(h('span', { class: 'chart-at' }, at ? absolute(at) : ''),
      ...series.map((s, n) => h('span', { class: i == null && !raw[0].length ? 'key gone' : 'key' }, h('span', { class: 'dot', style: { background: s.color } }),
        i == null ? s.label : `${s.label} ${(s.text ?? short)(raw[n + 1][i])}`)))
  }

  function options(width) {
    const ink = color(place, '--muted')
    const line = color(place, '--line')
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: `${Math.round(12 * scale())}px system-ui, sans-serif` }
    return {
      width, height: Math.round(height * scale()), legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: kind !== 'bars' }, y: false },
      // A value is that of the step which begins there: the last one has room, too.
      scales: { x: { time: true, range: (_, low, high) => [low, kind === 'lines' ? high : high + stepOf(raw[0])] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [{ ...axis, space: 70 * scale(), size: 46 * scale(), values: timeLabels }, { ...axis, size: 52 * scale(), space: 36 * scale(), values: (_, ticks) => ticks.map((t) => unit(t)) }],
      series: [{}, ...shown.map((s) => ({
        stroke: color(place, s.color), width: kind === 'bars' ? 0 : 2,
        fill: kind === 'bars' ? color(place, s.color) : `color-mix(in srgb, ${color(place, s.color)} 12%, transparent)`,
        paths: kind === 'bars' ? uPlot.paths.bars({ size: [0.86, 60], align: 1 }) : kind === 'steps' ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: kind === 'lines' && few, size: 5, fill: color(place, s.color) }, spanGaps: false,
      }))],
      hooks: {
        setCursor: [(u) => legend(u.cursor.idx)],
        setSelect: [(u) => {
          if (u.select.width < 4) return
          const range = [u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')]
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
          onzoom?.(...range)
        }],
      },
    }
  }

  const self = {
    root, place,
    set(next, text) {
      raw = next
      data = kind === 'bars' ? stacked(next) : next
      if (text) say(summary, text)
      if (plot) plot.setData(data)
      else self.redraw()
      legend(null)
    },
    redraw() {
      plot?.destroy()
      plot = null
      const width = Math.floor(place.clientWidth)
      if (width > 0 && place.isConnected) plot = new uPlot(options(width), data, place)
    },
    resize(width) {
      if (!plot) self.redraw()
      else if (Math.abs(plot.width - width) >= 1) plot.setSize({ width: Math.floor(width), height: Math.round(height * scale()) })
    },
    end() {
      drawn.delete(self)
      sizes.unobserve(place)
      plot?.destroy()
    },
  }
  drawn.add(self)
  sizes.observe(place)
  legend(null)
  return self
}

// Zoom and pan by buttons: span {since, until} in seconds, change(since, until).
export function zoomButtons(span, change) {
  const step = (name, text, call) => h('button', { type: 'button', class: 'tool', 'aria-label': text, title: text, onclick: () => {
    const { since, until } = span()
    const next = call(since, until - since)
    change(Math.round(next[0]), Math.round(Math.min(next[1], Date.now() / 1000)))
  } }, icon(name))
  return h('div', { class: 'tools', role: 'group', 'aria-label': 'Time range' },
    step('left', 'Earlier', (at, width) => [at - width / 2, at + width / 2]),
    step('plus', 'Zoom in', (at, width) => [at + width / 4, at + width * 3 / 4]),
    step('minus', 'Zoom out', (at, width) => [at - width / 2, at + width * 3 / 2]),
    step('right', 'Later', (at, width) => [at + width / 2, at + width * 3 / 2]))
}

// A small line without axes: the last values, newest right.
export function spark() {
  const path = h('svg:path', { class: 'spark-line' })
  const area = h('svg:path', { class: 'spark-area' })
  const root = h('svg', { class: 'spark', viewBox: '0 0 120 32', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, path)
  return {
    root,
    set(values) {
      const most = Math.max(1, ...values)
      const n = Math.max(2, values.length)
      const d = values.map((v, i) => `${i ? 'L' : 'M'}${(120 * (i + 120 - n) / 119 * (n > 120 ? 0 : 1)).toFixed(1)} ${(30 - 27 * v / most).toFixed(1)}`).join('')
      path.setAttribute('d', d)
      const first = /^M([\d.-]+)/.exec(d)
      area.setAttribute('d', first ? `${d}V32H${first[1]}Z` : '')
    },
  }
}
