// What is live: one state for all pages, kept up by the server's events.
import { ask, listen } from './api.js'

const KEPT = 120 // seconds, as many as the tiles show

export const live = {
  state: 'waiting', // 'live', 'down'
  why: '',
  status: null,
  started: 0,
  now: 0,
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

function take(answer) {
  if (live.started && answer.started !== live.started) {
    live.points = []
    live.alerts.clear()
  }
  live.state = 'live'
  live.started = answer.started
  live.now = answer.now
  const last = live.points.at(-1)?.at ?? 0
  live.points.push(...(answer.points ?? []).filter((p) => p.at > last))
  live.points.splice(0, live.points.length - KEPT)
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
  take(answer)
  tellWatchers()
}

// Anew whenever it ends, after a while that grows.
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
