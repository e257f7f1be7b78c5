// Who is blocked, until when, and who or what put them there; who never is; whose alerts are muted.
import { act, button, times } from './act.js'
import { ask } from './api.js'
import { card, chips, empty, fill, h, icon, put, say, table } from './dom.js'
import { bytes, hostLink, many, when, whole } from './format.js'
import { live, watch } from './live.js'
import { longList } from './rows.js'

const by = (e) => e.by === 'person' ? `a person (uid ${e.uid})`
  : e.by === 'alert' ? [h('a', { href: `/alert?id=${encodeURIComponent(e.alert_id)}` }, `alert ${e.alert_id}`), `, ${e.category}`, e.times > 1 ? `, ${e.times} times` : '']
    : String(e.by)

const isHost = (what) => /^[\d.]+$|^[\da-f:]+$/i.test(what)

const columns = [['Who', 'b-who'], ['How', 'b-how'], ['Since', 'b-since'], ['Until', 'b-until'], ['By', 'b-by'],
  ['Packets', 'b-packets number'], ['Bytes', 'b-bytes number'], ['', 'b-away']].map(([title, kind]) => ({ title: title || h('span', { class: 'unseen' }, 'Actions'), kind }))

const AGAIN = 4000 // ms from one reading to the next, and twenty times as long as it took

export const blocks = {
  title: 'Block list',
  show(root) {
    let ended = false
    let entries = []
    let why = null // there is no list
    let reading = 0
    let timer = null
    let told = ''
    let readOnce
    const ready = new Promise((done) => { readOnce = done })
    const address = h('input', { id: 'b-address', required: true, placeholder: '192.0.2.7 or 192.0.2.0/24', autocomplete: 'off', spellcheck: 'false' })
    const time = h('select', { id: 'b-time' }, times.map(([s, name]) => h('option', { value: s }, name)))
    const away = (e) => button([icon('close'), h('span', { class: 'unseen' }, `Unblock ${e.what}`)], async () => { if (await act('unblock', { address: e.what }, `${e.what} is not blocked any more`)) load() }, 'tool')
    const list = longList({
      label: 'Blocked addresses', kind: 'blocks', columns,
      fetchPage: async (skip, limit) => {
        await ready
        return { total: entries.length, rows: entries.slice(skip, skip + limit) }
      },
      key: (e) => `${e.kind} ${e.what}`,
      cells: (e) => [[e.what, 'b-who address'], [chips([e.kind === 'limit' ? 'limited' : 'blocked', e.dry_run ? '' : 'alarm'], e.dry_run && ['dry run', 'warn']), 'b-how'],
        [when(e.since), 'b-since'], [e.until ? when(e.until) : 'for good', 'b-until'], [by(e), 'b-by'],
        [whole(e.packets), 'b-packets number'], [bytes(e.bytes), 'b-bytes number'], [away(e), 'b-away']],
      href: (e) => isHost(e.what) ? `/host?addr=${encodeURIComponent(e.what)}` : null,
      onTotal() { below.hidden = false }, // not before the list has its height: nothing is to jump
      nothing: () => empty('Nobody is blocked', why ?? 'Alerts that are sure enough put their attackers here while blocking is on.'),
    })
    const allow = h('div', { class: 'least-lines' })
    const muted = h('div', { class: 'least-lines' })
    const below = h('div', { class: 'grid two', hidden: true }, card('Never blocked', allow), card('Muted', muted))
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
    put(root, [h('div', { class: 'row between' }, h('h1', {}, 'Block list'), count), mode, form, card('Blocked', list.root), below])

    function tellMode() {
      const m = live.status?.block?.mode ?? live.block.mode
      const words = { off: ['Blocking is off: nothing is dropped.', 'karma run --block turns it on; --block=dry-run only says what it would do.'],
        'dry-run': ['A dry run: entries are listed, nothing new is dropped.', 'karma run --block drops.'] }[m]
      if (mode.dataset.mode === String(m)) return
      mode.dataset.mode = m
      fill(mode, words && h('div', { class: 'notice warn' }, h('strong', {}, words[0]), h('span', {}, words[1])))
    }

    function tell(answer) {
      const { allow: allowed = [] } = answer
      say(count, entries.length ? `${many(entries.length, 'entry', 'entries')}, ${whole(answer.dropped ?? 0)} packets dropped` : ' ')
      list.refresh()
      const shown = JSON.stringify([allowed, answer.allow_why])
      if (told === shown) return
      told = shown
      const gone = (a) => a.by === 'configuration' ? '' : button([icon('close'), h('span', { class: 'unseen' }, `Off the allow list: ${a.what}`)], async () => { if (await act('disallow', { address: a.what }, `${a.what} is off the allow list`)) load() }, 'tool')
      fill(allow, allowed.length ? table('Allowed addresses', [
        ['Who', (a) => h('span', { class: 'address' }, a.what)], ['By', (a) => a.by === 'person' ? `a person (uid ${a.uid})` : a.by],
        ['Since', (a) => a.at ? when(a.at) : '–'], ['', gone]], allowed)
        : empty('No address is on the allow list', answer.allow_why ?? 'The machine’s own addresses, gateways, DNS servers and login sessions are never blocked anyway.'))
    }

    let mutesTold = ''

    function tellMutes(mutes) {
      const shown = JSON.stringify(mutes)
      if (shown === mutesTold) return
      mutesTold = shown
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
        mutesTold = ''
        if (!ended) fill(muted, empty(error.status === 404 ? 'No history is kept, and nothing can be muted' : error.message))
      }
    }

    // A page after the other, each a question: a long list holds nobody else up. The first are shown
    // while the rest is on its way.
    async function read(own) {
      const all = []
      let first = null
      for (let after = 0; after != null;) {
        const answer = await ask('blocks', { after: after || null })
        if (ended || own !== reading) return
        first ??= answer
        for (const e of answer.entries) all.push(e)
        after = answer.next
        if (after == null || entries.length < all.length) {
          entries = all.slice()
          why = answer.why ?? null
          readOnce()
          tell(first)
        }
      }
    }

    async function load() {
      const own = ++reading
      const began = performance.now()
      clearTimeout(timer)
      loadMutes()
      try {
        await read(own)
      } catch (error) {
        if (!ended) { say(count, error.message); below.hidden = false }
      }
      if (!ended && own === reading) timer = setTimeout(look, Math.max(AGAIN, 20 * (performance.now() - began)))
    }

    function look() {
      if (document.hidden) timer = setTimeout(look, AGAIN)
      else load()
    }

    load()
    const stop = watch(tellMode)
    tellMode()
    return { end() { ended = true; clearTimeout(timer); list.end(); stop() } }
  },
}
