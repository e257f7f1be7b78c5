// What Karma remembers of a host.
import { act, button, timed, timeText } from './act.js'
import { alertList } from './alert.js'
import { ask, query } from './api.js'
import { chart } from './chart.js'
import { bars, card, empty, fill, h, put, say } from './dom.js'
import { bytes, many, percent, when, whole } from './format.js'
import { live, watch } from './live.js'
import { rangeOf, rangeRow, spanOf, stepsOf } from './range.js'

const hostHref = (addr) => `/host?addr=${encodeURIComponent(addr)}`

// Suspicion over time: in the last hour what was held against it, as it was seen live; before, what
// the history has of it: its alerts, and how sure they were.
function suspicionOf(ip, first, go) {
  let params = first
  let points = []
  let past = null
  let ended = false
  const recent = chart({ label: 'Suspicion in the last hour', unit: (v) => v.toFixed(1), height: 180,
    series: [{ label: 'Suspicion, 1 is an alert', color: 'var(--alarm)', text: (v) => (v ?? 0).toFixed(2) }] })
  const change = (since, until) => go(`/host${query({ addr: ip, since, until })}`)
  const before = chart({ label: 'How sure its alerts were', kind: 'steps', unit: (v) => percent(v), height: 180, onzoom: (a, b) => change(Math.round(a), Math.round(b)),
    series: [{ label: 'As attacker', color: 'var(--alarm)', text: percent }, { label: 'As target', color: 'var(--second)', text: percent }] })
  const none = h('div', {})
  const what = h('p', { class: 'muted what' }, ' ')
  const range = rangeRow({ href: (since) => `/host${query({ addr: ip, since })}`, span: () => spanOf(params, past), change })

  function draw() {
    const isLive = rangeOf(params) === '1h' && points.length > 1
    const isPast = !isLive && past?.steps.length > 0
    recent.root.toggleAttribute('hidden', !isLive)
    before.root.toggleAttribute('hidden', !isPast)
    none.toggleAttribute('hidden', isLive || isPast)
    if (isLive) {
      recent.set([points.map((p) => p[0]), points.map((p) => p[1])], `Highest: ${Math.max(0, ...points.map((p) => p[1])).toFixed(2)}`)
      say(what, 'What was held against it, while it was among the fifty with most.')
    } else if (isPast) {
      const at = stepsOf(past)
      const place = new Map(at.map((t, i) => [t, i]))
      const sure = [at.map(() => 0), at.map(() => 0)]
      for (const s of past.steps) {
        const i = place.get(s.at)
        if (i == null) continue
        sure[0][i] = s.attacker
        sure[1][i] = s.target
      }
      before.set([at, ...sure], `Surest: ${percent(Math.max(...sure[0], ...sure[1]))}`)
      say(what, 'How sure the surest alert was that went on then, from the history.')
    } else {
      fill(none, past ? empty('No alert of it in this time', 'The line begins once it stands out.') : null)
      say(what, ' ')
    }
  }

  async function load() {
    range.tell(params)
    try {
      const answer = await ask('suspicion', { host: ip, since: rangeOf(params), until: params.until })
      if (ended) return
      past = answer
    } catch (error) {
      if (ended) return
      past = null
      fill(none, empty(error.status === 404 ? 'No history is kept' : error.message))
    }
    draw()
  }

  return {
    root: [range.root, none, recent.root, before.root, what],
    load,
    set(values) { points = values; draw() },
    add(at, value) {
      if (points.length && at - points.at(-1)[0] < 1) return
      points.push([at, value])
      if (rangeOf(params) === '1h') draw()
    },
    follow(next) { params = next; past = null; load() },
    end() { ended = true; recent.end(); before.end() },
  }
}

function remembered(k) {
  if (!k) return empty('Nothing is remembered of it', 'Hosts are remembered once they were answered or stood out.')
  return h('dl', { class: 'figures' },
    h('dt', {}, 'First seen'), h('dd', {}, when(k.first)), h('dt', {}, 'Last seen'), h('dd', {}, when(k.last)),
    h('dt', {}, 'Connections begun by it'), h('dd', {}, whole(k.flows_from)), h('dt', {}, 'towards it'), h('dd', {}, whole(k.flows_to)),
    h('dt', {}, 'Sent'), h('dd', {}, bytes(k.bytes_from)), h('dt', {}, 'Received'), h('dd', {}, bytes(k.bytes_to)),
    h('dt', {}, 'Most evidence against it'), h('dd', {}, k.suspicion ? [k.suspicion.toFixed(1), ', ', when(k.suspect)] : 'none'),
    h('dt', {}, 'Alerts as attacker'), h('dd', {}, whole(k.attacks)), h('dt', {}, 'as target'), h('dd', {}, whole(k.attacked)))
}

// What may be done about it; again(): it was.
function actions(ip, mutes, again) {
  const free = () => act('unblock', { address: ip }, `${ip} is not blocked any more`)
  return h('section', { class: 'actions', 'aria-label': 'What to do' },
    timed('Block', 600, (s) => act('block', { address: ip, for: s }, (a) => a.dry_run ? `A dry run: ${ip} would be blocked for ${timeText(s)}` : `${ip} is blocked for ${timeText(s)}`, free)),
    button('Unblock', free),
    button('Never block', () => act('allow', { address: ip }, `${ip} is on the allow list`, () => act('disallow', { address: ip }, `${ip} is off the allow list`))),
    timed('Mute', 86400, async (s) => { if (await act('mute', { address: ip, for: s }, `Alerts of ${ip} are not told for ${timeText(s)}`)) again() }),
    mutes.length > 0 && button('Unmute', async () => { if (await act('unmute', { low: ip, high: ip }, `Alerts of ${ip} are told again`)) again() }))
}

const SHOWN = 8

function tallies(list, props) {
  if (!list?.length) return empty('No flows are kept of it')
  const more = list.length - SHOWN
  return [bars(list.slice(0, SHOWN), { of: (s) => s.count, text: (s) => `${many(s.count, 'flow')} · ${bytes(s.bytes)}`, ...props }),
    more > 0 && h('p', { class: 'muted more' }, `and ${more === 12 ? '12 or more' : more} others with fewer`)]
}

// No address was given: those who stand out.
function anybody(body) {
  fill(body, live.hosts.length
    ? card('Who stands out now', bars(live.hosts.map((x) => ({ ...x, name: x.ip })), { of: (x) => x.suspicion, text: (x) => percent(x.suspicion), href: (x) => hostHref(x.ip), color: () => 'var(--alarm)' }))
    : empty('Name an address to see what is remembered of it'))
}

export const host = {
  title: 'Host',
  show(root, params, go) {
    const given = params.addr ?? ''
    let ip = given // then as the server writes it: by that its lists know it
    let ended = false
    const input = h('input', { id: 'host-addr', type: 'search', value: ip, placeholder: '10.0.0.9', autocomplete: 'off', spellcheck: 'false' })
    const find = h('form', { class: 'row host-find', onsubmit: (e) => { e.preventDefault(); go(hostHref(input.value.trim())) } },
      h('label', { for: 'host-addr', class: 'unseen' }, 'Address'), input, h('button', { type: 'submit' }, 'Look up'))
    const suspicion = suspicionOf(given, params, go)
    const now = h('p', { class: 'now' }, ' ')
    const body = h('div', { class: 'stack' })
    const head = h('h1', { class: 'address' }, ip || 'Host')
    put(root, [h('div', { class: 'row between' }, head, find), body])

    function tellNow() {
      const own = live.hosts.find((x) => x.ip === ip)
      say(now, own ? `Right now ${percent(own.suspicion)} of what makes an alert, over ${many(own.records, 'record')}.` : 'Right now it is not among those who stand out.')
      if (own) suspicion.add(live.now, own.suspicion)
    }

    function tell(answer) {
      ip = answer.ip
      say(head, ip)
      const mutes = (answer.mutes ?? []).filter((m) => m.low === ip && m.high === ip)
      fill(body,
        actions(ip, mutes, load),
        mutes.map((m) => h('div', { class: 'notice warn' }, h('strong', {}, `${m.class ?? 'All'} alerts of it are muted`), h('span', {}, 'until ', when(m.until)))),
        h('div', { class: 'grid wide-left' },
          card('Suspicion', now, suspicion.root),
          card('What is remembered', remembered(answer.host))),
        card('Alerts', answer.alerts?.length ? alertList(answer.alerts, 'Alerts of this host') : empty('No alert names it')),
        h('div', { class: 'grid two' },
          card('Services in its alerts', tallies(answer.services, { color: () => 'var(--accent)' })),
          card('Peers in its alerts', tallies(answer.peers, { href: (s) => hostHref(s.name), color: () => 'var(--second)' }))))
      suspicion.set(answer.suspicion)
      tellNow()
    }

    async function load() {
      if (!ip) {
        anybody(body)
        return
      }
      try {
        const answer = await ask('host', { addr: given })
        if (!ended) tell(answer)
      } catch (error) {
        if (!ended) fill(body, empty(error.message))
      }
    }

    load()
    if (ip) suspicion.load()
    const stop = watch(() => ip && tellNow())
    return {
      follow(next) {
        if (next.addr !== params.addr) return false
        suspicion.follow(next)
        return true
      },
      end() { ended = true; stop(); suspicion.end() },
    }
  },
}
