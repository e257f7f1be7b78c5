// The frame: pages by their path, navigation, the state of the connection.
import { askToken, setTokenFile } from './act.js'
import { token } from './api.js'
import { fill, h, icon, say } from './dom.js'
import { refreshTimes } from './format.js'
import { keepLive, live, look, tellWatchers, watch } from './live.js'
import { overview } from './overview.js'
import { alerts } from './alerts.js'
import { alert } from './alert.js'
import { host } from './host.js'
import { blocks } from './blocks.js'
import { model } from './model.js'
import { system } from './system.js'

const pages = { '/': overview, '/alerts': alerts, '/alert': alert, '/host': host, '/blocks': blocks, '/model': model, '/system': system }
const places = [['/', 'Overview', 'overview'], ['/alerts', 'Alerts', 'alerts'], ['/blocks', 'Block list', 'blocks'], ['/model', 'Model', 'model'], ['/system', 'System', 'system']]
const main = document.getElementById('main')
let present = { end() {} }
let path = null

const links = places.map(([to, name, sign]) => h('a', { href: to }, icon(sign), h('span', {}, name)))
fill(document.getElementById('nav'), h('ul', {}, links.map((a) => h('li', {}, a))))

// The URL is the state: go() changes it, and the page follows.
export function go(to, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  show()
}

function show() {
  const same = path === location.pathname
  const page = pages[location.pathname]
  const params = Object.fromEntries(new URLSearchParams(location.search))
  path = location.pathname
  links.forEach((a) => {
    const own = a.getAttribute('href')
    const current = own === path || (own === '/alerts' && path === '/alert')
    if (current) a.setAttribute('aria-current', 'page')
    else a.removeAttribute('aria-current')
  })
  if (same && present.follow?.(params)) return
  present.end()
  const root = h('div', { class: 'page' })
  fill(main, root)
  document.title = `${page.title} – Karma`
  present = page.show(root, params, go) ?? { end() {} }
  if (!same) window.scrollTo(0, 0)
}

document.addEventListener('click', (e) => {
  const a = e.target.closest?.('a[href]')
  if (!a || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || a.target || a.download) return
  const url = new URL(a.href, location.href)
  if (url.origin !== location.origin || !(url.pathname in pages) || url.hash) return
  e.preventDefault()
  const moved = url.pathname !== path
  go(url.pathname + url.search)
  if (moved) main.focus({ preventScroll: true })
})
addEventListener('popstate', show)

// ---- the connection, the key ----

const stateText = h('span', {})
const state = h('span', { class: 'state', role: 'status' }, h('span', { class: 'pulse', 'aria-hidden': 'true' }), stateText)
const key = h('button', { type: 'button', class: 'tool', onclick: async () => {
  if (await askToken(token() ? 'Another token takes the place of the one that this browser has.' : undefined)) await look().catch(() => {})
} }, icon('key'))
fill(document.getElementById('bar-end'), state, key)

function tell() {
  const words = { waiting: 'Connecting', live: 'Live', down: 'No connection', locked: 'Locked' }[live.state]
  state.dataset.state = live.state
  state.title = live.state === 'live' ? 'What is shown is a second old at most' : live.why
  say(stateText, words)
  const open = live.status?.may_act
  key.dataset.open = open ? 'yes' : 'no'
  const text = open ? 'You may act' : 'Unlock: enter the token to act'
  key.title = text
  key.setAttribute('aria-label', text)
  if (live.status) setTokenFile(live.status.token_file)
}

let locked = false
watch(() => {
  tell()
  if (live.state === 'locked' && !locked) {
    locked = true
    askToken('From another machine nothing is shown without the token.').then((text) => {
      locked = false
      if (text) location.reload()
    })
  }
})
setInterval(refreshTimes, 5000)
tell()
show()
keepLive()
tellWatchers()
