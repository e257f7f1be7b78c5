// A range of time that the URL names: the last hour, day or month, or from when to when.
import { h, fill, say } from './dom.js'
import { lasting } from './format.js'
import { zoomButtons } from './chart.js'

const ranges = [['1h', 'Hour', 3600], ['24h', 'Day', 86400], ['30d', 'Month', 2592000]]

export const rangeOf = (params) => params.since || '1h'

const preset = (params) => !params.until && ranges.find(([id]) => id === rangeOf(params))

// Of what the server answered, or else of what the URL says.
export function spanOf(params, answer) {
  if (answer) return { since: answer.since, until: answer.until }
  const now = Date.now() / 1000
  const named = preset(params)
  return named ? { since: now - named[2], until: now } : { since: Number(params.since), until: Number(params.until) || now }
}

// Every step from the first to the last.
export function stepsOf(answer) {
  const at = []
  for (let t = Math.floor(answer.since / answer.step) * answer.step; t <= answer.until; t += answer.step) at.push(t)
  return at
}

// The row above charts. href(since, until): where a range is; span(): what is shown; change(since, until).
export function rangeRow({ href, span, change }) {
  const chosen = h('div', { class: 'segments', role: 'group', 'aria-label': 'Range' })
  const text = h('span', { class: 'muted range-text' })
  return {
    root: h('div', { class: 'row between range-row' }, h('div', { class: 'row' }, chosen, text), zoomButtons(span, change)),
    tell(params) {
      const named = preset(params)
      fill(chosen, ranges.map(([id, name]) => h('a', { href: href(id === '1h' ? '' : id), class: 'segment', 'aria-current': named?.[0] === id ? 'true' : null }, name)))
      const { since, until } = spanOf(params)
      say(text, named ? '' : `${lasting(until - since)}, from ${new Date(since * 1000).toLocaleString('en-GB')}`)
    },
  }
}
