// What is live: one state for all pages, kept up by the server's events.
import { ask, listen } from './api.js'

const KEPT = 120 // seconds, as many as the tiles show

export const live = {
  state: 'waiting', // 'live', 'down'
  why: '',
  status: null,
  started: 0,
  now: 0,
  seq: 0, // of the stream, up to which all was taken
  points: [],
  hosts: [],
  alerts: new Map(),
  losses: {},
  counted: {}, // what is no loss while there is little of it
  table: {},
  block: {},
  latency: {},
  services: [],
  wrong: [],
}

const watchers = new Set()

export function watch(call) {
  watchers.add(call)
  return () => watchers.delete(call)
}

export const tellWatchers = () => watchers.forEach((call) => call(live))

// A call that is made at once and, because the history is written up to a second after what is live,
// again when it is surely there. end() of what is returned ends it.
export function settling(call) {
  let timers = []
  const end = () => { timers.forEach(clearTimeout); timers = [] }
  const begin = () => {
    end()
    timers = [1500, 5000].map((after) => setTimeout(call, after))
    call()
  }
  return { begin, end }
}

// The stream's number says what is new; the time of a point only where it lies. Who set the clock
// back has points in what is the future now: they go.
function takePoints(points, seq) {
  if (seq <= live.seq) return
  const known = new Set(live.points.map((p) => p.at))
  for (const p of points) {
    if (known.has(p.at)) continue
    while (live.points.at(-1)?.at > p.at) live.points.pop()
    live.points.push(p)
  }
  live.points.splice(0, live.points.length - KEPT)
}

function take(answer) {
  if (live.started && answer.started !== live.started) {
    live.points = []
    live.seq = 0
    live.alerts.clear()
  }
  live.state = 'live'
  live.started = answer.started
  live.now = answer.now
  takePoints(answer.points ?? [], answer.seq)
  live.seq = Math.max(live.seq, answer.seq)
  for (const event of answer.alerts ?? []) {
    const id = event.karma?.alert_id
    live.alerts.delete(id)
    live.alerts.set(id, event)
  }
  while (live.alerts.size > 256) live.alerts.delete(live.alerts.keys().next().value)
  for (const key of ['hosts', 'losses', 'counted', 'table', 'block', 'latency', 'wrong', 'services'])
    live[key] = answer[key] ?? live[key]
}

export async function look() {
  const [status, answer] = await Promise.all([ask('status'), ask('live')])
  live.status = status
  if (answer.seq >= live.seq) { // all that there are come again
    live.points = []
    live.seq = 0
  }
  take(answer)
  tellWatchers()
}

// Anew whenever it ends or says nothing, after a while that grows.
export async function keepLive() {
  for (let wait = 500; ; wait = Math.min(wait * 2, 15000)) {
    try {
      await look()
      wait = 500
      await listen((name, data) => {
        if (name === 'live') {
          if (live.started && data.started !== live.started) look().catch(() => {})
          take(data)
        } else if (name === 'down') {
          live.state = 'down'
          live.why = data.error
        } else {
          look().catch(() => {})
        }
        tellWatchers()
      })
    } catch (error) {
      live.state = error.status === 401 ? 'locked' : 'down'
      live.why = error.message
      tellWatchers()
    }
    await new Promise((done) => setTimeout(done, wait))
    if (document.hidden) await new Promise((done) => document.addEventListener('visibilitychange', done, { once: true }))
  }
}
