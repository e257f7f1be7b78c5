// Who is blocked, until when, and who or what put them there; who never is; whose alerts are muted.
import { act, button, times } from './act.js'
import { ask } from './api.js'
import { card, chips, empty, fill, h, icon, put, table } from './dom.js'
import { bytes, hostLink, many, when, whole } from './format.js'
import { live, watch } from './live.js'

const by = (e) => e.by === 'person' ? `a person (uid ${e.uid})`
  : e.by === 'alert' ? [h('a', { href: `/alert?id=${encodeURIComponent(e.alert_id)}` }, `alert ${e.alert_id}`), `, ${e.category}`, e.times > 1 ? `, ${e.times} times` : '']
    : String(e.by)

const isHost = (what) => /^[\d.]+$|^[\da-f:]+$/i.test(what)

export const blocks = {
  title: 'Block list',
  show(root) {
    let ended = false
    const address = h('input', { id: 'b-address', required: true, placeholder: '192.0.2.7 or 192.0.2.0/24', autocomplete: 'off', spellcheck: 'false' })
    const time = h('select', { id: 'b-time' }, times.map(([s, name]) => h('option', { value: s }, name)))
    const list = h('div', { class: 'least-table' })
    const allow = h('div', { class: 'least-lines' })
    const muted = h('div', { class: 'least-lines' })
    const mode = h('div', {})
    const count = h('p', { class: 'muted count', role: 'status' }, ' ')
    const send = async (path) => {
      const what = address.value.trim()
      if (!what) { address.focus(); return }
      const done = path === 'block' ? await act('block', { address: what, for: Number(time.value) }, (a) => a.dry_run ? `A dry run: ${what} would be blocked` : `${what} is blocked`)
        : await act('allow', { address: what }, `${what} is never blocked`)
      if (done) { address.value = ''; load() }
    }
    const form = h('form', { class: 'form-row', 'aria-label': 'Block or allow', onsubmit: (e) => { e.preventDefault(); send('block') } },
      h('div', { class: 'field grow' }, h('label', { for: 'b-address' }, 'Address or network'), address),
      h('div', { class: 'field' }, h('label', { for: 'b-time' }, 'For'), time),
      h('div', { class: 'field' }, h('button', { type: 'submit', class: 'main' }, 'Block')),
      h('div', { class: 'field' }, button('Never block', () => send('allow'))))
    put(root, [h('div', { class: 'row between' }, h('h1', {}, 'Block list'), count), mode, form, card('Blocked', list), h('div', { class: 'grid two' }, card('Never blocked', allow), card('Muted', muted))])

    function tellMode() {
      const m = live.status?.block?.mode ?? live.block.mode
      const words = { off: ['Blocking is off: nothing is dropped.', 'karma run --block turns it on; --block=dry-run only says what it would do.'],
        'dry-run': ['A dry run: entries are listed, nothing new is dropped.', 'karma run --block drops.'] }[m]
      if (mode.dataset.mode === String(m)) return
      mode.dataset.mode = m
      fill(mode, words && h('div', { class: 'notice warn' }, h('strong', {}, words[0]), h('span', {}, words[1])))
    }

    function tell(answer) {
      const { entries, allow: allowed = [] } = answer
      count.textContent = entries.length ? `${many(entries.length, 'entry', 'entries')}, ${whole(answer.dropped ?? 0)} packets dropped` : ' '
      const away = (e) => button([icon('close'), h('span', { class: 'unseen' }, `Unblock ${e.what}`)], async () => { if (await act('unblock', { address: e.what }, `${e.what} is not blocked any more`)) load() }, 'tool')
      fill(list, entries.length ? table('Blocked addresses', [
        ['Who', (e) => h('span', { class: 'address' }, isHost(e.what) ? hostLink(e.what) : e.what)],
        ['How', (e) => chips([e.kind === 'limit' ? 'limited' : 'blocked', e.dry_run ? '' : 'alarm'], e.dry_run && ['dry run', 'warn'])],
        ['Since', (e) => when(e.since)], ['Until', (e) => e.until ? when(e.until) : 'for good'],
        ['By', by], ['Packets', (e) => whole(e.packets), 'number'], ['Bytes', (e) => bytes(e.bytes), 'number'], ['', away],
      ], entries) : empty('Nobody is blocked', answer.why ?? 'Alerts that are sure enough put their attackers here while blocking is on.'))
      const gone = (a) => a.by === 'configuration' ? '' : button([icon('close'), h('span', { class: 'unseen' }, `Off the allow list: ${a.what}`)], async () => { if (await act('disallow', { address: a.what }, `${a.what} is off the allow list`)) load() }, 'tool')
      fill(allow, allowed.length ? table('Allowed addresses', [
        ['Who', (a) => h('span', { class: 'address' }, a.what)], ['By', (a) => a.by === 'person' ? `a person (uid ${a.uid})` : a.by],
        ['Since', (a) => a.at ? when(a.at) : '–'], ['', gone]], allowed)
        : empty('No address is on the allow list', answer.allow_why ?? 'The machine’s own addresses, gateways, DNS servers and login sessions are never blocked anyway.'))
    }

    function tellMutes(mutes) {
      const range = (m) => m.low === m.high ? hostLink(m.low) : `${m.low} – ${m.high}`
      const ends = (m) => button([icon('close'), h('span', { class: 'unseen' }, `Unmute ${m.low}`)], async () => { if (await act('unmute', { low: m.low, high: m.high }, `Alerts of ${m.low} are told again`)) load() }, 'tool')
      fill(muted, mutes.length ? table('Muted alerts', [
        ['Whose', (m) => h('span', { class: 'address' }, range(m))], ['As', (m) => m.attacks ? 'attacker' : 'target of many'],
        ['Class', (m) => m.class ?? 'any'], ['Until', (m) => when(m.until)], ['', ends]], mutes)
        : empty('No alerts are muted', 'A muted alert is in the history and EVE; nobody is told of it.'))
    }

    async function loadMutes() {
      try {
        const answer = await ask('mutes')
        if (!ended) tellMutes(answer.mutes)
      } catch (error) {
        if (!ended) fill(muted, empty(error.status === 404 ? 'No history is kept, and nothing can be muted' : error.message))
      }
    }

    async function load() {
      loadMutes()
      try {
        const answer = await ask('blocks')
        if (!ended && !list.contains(document.activeElement)) tell(answer)
        else if (!ended) setTimeout(() => !ended && tell(answer), 0)
      } catch (error) {
        if (!ended) fill(list, empty(error.message))
      }
    }

    load()
    const timer = setInterval(() => !document.hidden && !root.querySelector('.scroll button:focus') && load(), 4000)
    const stop = watch(tellMode)
    tellMode()
    return { end() { ended = true; clearInterval(timer); stop() } }
  },
}
