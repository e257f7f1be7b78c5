// Numbers, sizes and times as a person reads them.
import { h } from './dom.js'

const grouped = new Intl.NumberFormat('en')

export const whole = (n) => grouped.format(Math.round(n ?? 0))

export function short(n) {
  if (n == null || Number.isNaN(n)) return '–'
  const size = Math.abs(n)
  if (size < 10 && size % 1) return n.toFixed(1)
  if (size < 10000) return whole(n)
  for (const [unit, of] of [['k', 1e3], ['M', 1e6], ['G', 1e9], ['T', 1e12]])
    if (size < of * 1000) return `${(n / of).toFixed(size < of * 10 ? 2 : size < of * 100 ? 1 : 0)} ${unit}`
  return n.toExponential(2)
}

export function bytes(n) {
  return n < 1000 ? `${Math.round(n ?? 0)} B` : `${short(n)}${n < 10000 ? ' ' : ''}B`.replace(/^([\d,.]+) B$/, (_, x) =>
    `${(Number(x.replace(/,/g, '')) / 1000).toFixed(1)} kB`)
}

export const percent = (p, digits = 0) => `${(100 * (p ?? 0)).toFixed(digits)} %`

export function micros(us) {
  if (us == null) return '–'
  if (us < 1000) return `${us.toFixed(us < 10 ? 1 : 0)} µs`
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms`
  return `${(us / 1e6).toFixed(2)} s`
}

export function lasting(s) {
  if (s < 1) return `${Math.round(s * 1000)} ms`
  if (s < 90) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`
  if (s < 5400) return `${Math.round(s / 60)} min`
  if (s < 172800) return `${(s / 3600).toFixed(s < 36000 ? 1 : 0)} h`
  return `${Math.round(s / 86400)} days`
}

// EVE's time, "2026-11-26T07:00:00.123456+0100", in seconds; numbers stay.
export function seconds(time) {
  if (typeof time === 'number') return time
  return Date.parse(String(time ?? '').replace(/(\.\d{3})\d*/, '$1').replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) / 1000
}

const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

export const absolute = (s) => Number.isFinite(s) ? full.format(s * 1000) : ''

export function ago(s, now = Date.now() / 1000) {
  const gone = now - s
  if (!Number.isFinite(gone)) return '–'
  if (gone < -1) return `in ${lasting(-gone)}`
  if (gone < 5) return 'now'
  if (gone < 60) return `${Math.floor(gone)} s ago`
  if (gone < 3600) return `${Math.floor(gone / 60)} min ago`
  if (gone < 86400) return `${Math.floor(gone / 3600)} h ago`
  return `${Math.floor(gone / 86400)} d ago`
}

// A time that stays true: refresh() writes all of them anew.
export function when(time) {
  const s = seconds(time)
  if (!Number.isFinite(s) || s <= 0) return h('span', {}, '–')
  return h('time', { datetime: new Date(s * 1000).toISOString(), title: absolute(s), 'data-at': s }, ago(s))
}

export function refreshTimes() {
  for (const el of document.querySelectorAll('time[data-at]')) {
    const text = ago(Number(el.dataset.at))
    if (el.textContent !== text) el.textContent = text
  }
}

export const classes = ['Reconnaissance', 'DoS', 'Brute Force', 'Exploits', 'Fuzzers', 'Analysis',
  'Backdoor', 'Generic', 'Shellcode', 'Worms']

const slug = (name) => String(name).toLowerCase().replace(/[^a-z]+/g, '-')

export const classColor = (name) => classes.includes(name) ? `var(--class-${slug(name)})` : 'var(--muted)'

export function classTag(name) {
  return h('span', { class: 'class-tag' }, h('span', { class: 'dot', style: { background: classColor(name) } }), name)
}

export const hostLink = (ip, text) => ip ? h('a', { href: `/host?addr=${encodeURIComponent(ip)}`, class: 'address' }, text ?? ip) : null

export const many = (n, word, words) => `${whole(n)} ${n === 1 ? word : words ?? `${word}s`}`

export function whoText(a) {
  return a.who ?? many(a.attackers ?? 0, 'host')
}

export function whomText(a) {
  return a.targets > 1 ? `${a.whom} and ${many(a.targets - 1, 'other')}` : a.whom + (a.port && a.ports <= 1 ? `:${a.port}` : '')
}

export function countText(a) {
  const span = seconds(a.last) - seconds(a.first)
  return [many(a.flows ?? 0, 'flow'), a.ports > 1 ? many(a.ports, 'port') : null,
    `in ${lasting(Math.max(0, span))}`].filter(Boolean).join(', ').replace(', in', ' in')
}
