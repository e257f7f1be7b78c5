// What Karma remembers of a host.
import { act, button, timed, timeText } from './act.js'
import { alertList } from './alert.js'
import { ask } from './api.js'
import { chart } from './chart.js'
import { bars, card, empty, fill, h, put } from './dom.js'
import { bytes, many, percent, when, whole } from './format.js'
import { live, watch } from './live.js'

export const host = {
  title: 'Host',
  show(root, params, go) {
    const ip = params.addr ?? ''
    let ended = false
    let points = []
    const input = h('input', { id: 'host-addr', type: 'search', value: ip, placeholder: '10.0.0.9', autocomplete: 'off', spellcheck: 'false' })
    const find = h('form', { class: 'row host-find', onsubmit: (e) => { e.preventDefault(); go(`/host?addr=${encodeURIComponent(input.value.trim())}`) } },
      h('label', { for: 'host-addr', class: 'unseen' }, 'Address'), input, h('button', { type: 'submit' }, 'Look up'))
    const suspicion = chart({ label: 'Suspicion over the last hour', unit: (v) => v.toFixed(1), height: 180,
      series: [{ label: 'Suspicion, 1 is an alert', color: 'var(--alarm)', text: (v) => (v ?? 0).toFixed(2) }] })
    const now = h('p', { class: 'muted' }, ' ')
    const none = empty('Nothing was held against it in the last hour', 'The line begins once it stands out.')
    const body = h('div', { class: 'stack' })
    put(root, [h('div', { class: 'row between' }, h('h1', { class: 'address' }, ip || 'Host'), find), body])

    function tellNow() {
      const h2 = live.hosts.find((x) => x.ip === ip)
      now.textContent = h2 ? `Right now ${percent(h2.suspicion)} of what makes an alert, over ${many(h2.records, 'record')}.` : 'Right now it is not among those who stand out.'
      if (h2 && (!points.length || live.now - points.at(-1)[0] >= 1)) {
        points.push([live.now, h2.suspicion])
        draw()
      }
    }

    const draw = () => {
      suspicion.root.toggleAttribute('hidden', points.length < 2)
      none.toggleAttribute('hidden', points.length >= 2)
      suspicion.set([points.map((p) => p[0]), points.map((p) => p[1])], `Highest: ${Math.max(0, ...points.map((p) => p[1])).toFixed(2)}`)
    }

    function tell(answer) {
      const k = answer.host
      const mutes = (answer.mutes ?? []).filter((m) => m.low === ip && m.high === ip)
      points = answer.suspicion
      const again = load
      fill(body,
        h('section', { class: 'actions', 'aria-label': 'What to do' },
          timed('Block', 600, (s) => act('block', { address: ip, for: s }, (a) => a.dry_run ? `A dry run: ${ip} would be blocked for ${timeText(s)}` : `${ip} is blocked for ${timeText(s)}`, () => act('unblock', { address: ip }, `${ip} is not blocked any more`))),
          button('Unblock', () => act('unblock', { address: ip }, `${ip} is not blocked any more`)),
          button('Never block', () => act('allow', { address: ip }, `${ip} is on the allow list`)),
          timed('Mute', 86400, async (s) => { if (await act('mute', { address: ip, for: s }, `Alerts of ${ip} are not told for ${timeText(s)}`)) again() }),
          mutes.length > 0 && button('Unmute', async () => { if (await act('unmute', { low: ip, high: ip }, `Alerts of ${ip} are told again`)) again() })),
        mutes.map((m) => h('div', { class: 'notice warn' }, h('strong', {}, `${m.class ?? 'All'} alerts of it are muted`), h('span', {}, 'until ', when(m.until)))),
        h('div', { class: 'grid two' },
          card('Suspicion', now, none, suspicion.root),
          card('What is remembered', k ? h('dl', { class: 'figures' },
            h('dt', {}, 'First seen'), h('dd', {}, when(k.first)), h('dt', {}, 'Last seen'), h('dd', {}, when(k.last)),
            h('dt', {}, 'Connections begun by it'), h('dd', {}, whole(k.flows_from)), h('dt', {}, 'towards it'), h('dd', {}, whole(k.flows_to)),
            h('dt', {}, 'Sent'), h('dd', {}, bytes(k.bytes_from)), h('dt', {}, 'Received'), h('dd', {}, bytes(k.bytes_to)),
            h('dt', {}, 'Most evidence against it'), h('dd', {}, k.suspicion ? [k.suspicion.toFixed(1), ', ', when(k.suspect)] : 'none'),
            h('dt', {}, 'Alerts as attacker'), h('dd', {}, whole(k.attacks)), h('dt', {}, 'as target'), h('dd', {}, whole(k.attacked)))
            : empty('Nothing is remembered of it', 'Hosts are remembered once they were answered or stood out.'))),
        h('div', { class: 'grid two' },
          card('Services in its alerts', answer.services?.length ? bars(answer.services, { of: (s) => s.count, text: (s) => `${many(s.count, 'flow')} · ${bytes(s.bytes)}`, color: () => 'var(--accent)' }) : empty('No flows are kept of it')),
          card('Peers in its alerts', answer.peers?.length ? bars(answer.peers, { of: (s) => s.count, text: (s) => `${many(s.count, 'flow')} · ${bytes(s.bytes)}`, href: (s) => `/host?addr=${encodeURIComponent(s.name)}`, color: () => 'var(--second)' }) : empty('No flows are kept of it'))),
        card('Alerts', answer.alerts?.length ? alertList(answer.alerts, 'Alerts of this host') : empty('No alert names it')))
      draw()
      tellNow()
    }

    async function load() {
      if (!ip) {
        fill(body, live.hosts.length ? card('Who stands out now', bars(live.hosts.map((x) => ({ ...x, name: x.ip })), { of: (x) => x.suspicion, text: (x) => percent(x.suspicion), href: (x) => `/host?addr=${encodeURIComponent(x.ip)}`, color: () => 'var(--alarm)' })) : empty('Name an address to see what is remembered of it'))
        return
      }
      try {
        const answer = await ask('host', { addr: ip })
        if (!ended) tell(answer)
      } catch (error) {
        if (!ended) fill(body, empty(error.message))
      }
    }

    load()
    const stop = watch(() => ip && tellNow())
    return { end() { ended = true; stop(); suspicion.end() } }
  },
}
