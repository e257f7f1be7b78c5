// The whole story of an alert, and what to do about it.
import { act, button, timed, timeText } from './act.js'
import { ask, download } from './api.js'
import { alertCells, stateChips } from './alerts.js'
import { alertLine } from './overview.js'
import { bars, card, empty, fill, h, icon, put, table } from './dom.js'
import { absolute, bytes, classColor, classTag, hostLink, lasting, many, percent, seconds, when, whole } from './format.js'
import { toast } from './act.js'
import { live, settling, watch } from './live.js'

const words = (text) => String(text ?? '').replaceAll('_', ' ')

// Each flow a bar from its start to its end, in lanes: one a target's port, at most so many.
export function flowTimeline(flows) {
  if (!flows.length) return empty('No flows are kept of it')
  const starts = flows.map((f) => seconds(f.start))
  const from = Math.min(...starts)
  const to = Math.max(...flows.map((f, i) => starts[i] + (f.age ?? 0)), from + 0.001)
  const ports = [...new Set(flows.map((f) => `${f.dest_ip}:${f.dest_port}`))]
  const lanes = Math.min(ports.length, 40)
  const most = Math.max(0.001, ...flows.map((f) => Math.abs(f.score)))
  const height = Math.max(64, Math.min(240, lanes * 14))
  const lane = new Map(ports.map((p, i) => [p, ports.length > 1 ? i * (lanes - 1) / (ports.length - 1) : 0]))
  const x = (t) => 1000 * (t - from) / (to - from)
  const marks = flows.map((f, i) => h('svg:rect', {
    x: Math.min(x(starts[i]), 994).toFixed(1), width: Math.max(6, x(starts[i] + (f.age ?? 0)) - x(starts[i])).toFixed(1),
    y: (4 + (height - 16) * (lanes > 1 ? lane.get(`${f.dest_ip}:${f.dest_port}`) / (lanes - 1) : 0.5)).toFixed(1), height: 8, rx: 3,
    class: f.score > 0 ? 'flow-bad' : 'flow-good', 'fill-opacity': (0.35 + 0.65 * Math.abs(f.score) / most).toFixed(2),
  }, h('svg:title', {}, `${f.src_ip}:${f.src_port} → ${f.dest_ip}:${f.dest_port}, ${lasting(f.age ?? 0)}, score ${f.score.toFixed(2)}`)))
  return h('figure', { class: 'timeline' },
    h('svg', { viewBox: `0 0 1000 ${height}`, preserveAspectRatio: 'none', role: 'img', style: { height: `${height}px` },
      'aria-label': `${many(flows.length, 'flow')} to ${many(ports.length, 'port')} in ${lasting(to - from)}` }, marks),
    h('figcaption', { class: 'row between muted' }, h('span', {}, absolute(from)), h('span', {}, `${many(ports.length, 'lane')}, one a port; darker counts more`), h('span', {}, `+ ${lasting(to - from)}`)))
}

const ends = (ip, port) => h('span', { class: 'address' }, hostLink(ip), port ? `:${port}` : '')

export function flowTable(flows) {
  return table('Flows behind the alert', [
    ['Start', (f) => h('span', { title: absolute(seconds(f.start)) }, String(f.start).slice(11, 23))],
    ['From', (f) => ends(f.src_ip, f.src_port)], ['To', (f) => ends(f.dest_ip, f.dest_port)],
    ['Protocol', (f) => `${f.proto} ${f.state}`], ['Service', (f) => f.app_proto ?? '–'],
    ['Packets', (f) => `${whole(f.pkts_toserver)} / ${whole(f.pkts_toclient)}`, 'number'],
    ['Bytes', (f) => `${bytes(f.bytes_toserver)} / ${bytes(f.bytes_toclient)}`, 'number'],
    ['Lasting', (f) => lasting(f.age ?? 0), 'number'], ['Score', (f) => f.score.toFixed(2), 'number'],
    ['Most likely', (f) => `${f.category} ${percent(f.probability)}`],
  ], flows, { tall: flows.length > 20 })
}

export function alertList(list, caption) {
  return table(caption, [
    ['When', (a) => when(a.last)], ['Class', (a) => h('a', { href: `/alert?id=${a.id}` }, classTag(a.class))],
    ['Sure', (a) => percent(a.confidence), 'number'], ['Attacker', (a) => hostLink(a.who) ?? alertCells(a)[3][0]],
    ['Target', (a) => hostLink(a.whom, alertCells(a)[4][0])], ['How much', (a) => alertCells(a)[5][0]], ['State', stateChips],
  ], list)
}

export const alert = {
  title: 'Alert',
  show(root, params) {
    let ended = false
    let there = false // the story is shown
    let stale = false // it is to be read again
    let shown = ''
    const wait = h('div', { class: 'waiting-page' }, h('h1', {}, 'Alert'), h('p', { class: 'muted' }, 'Reading its story…'))
    put(root, [wait])

    function actions(event, again) {
      const id = event.karma.alert_id
      const mark = event.karma.mark
      const who = event.src_ip
      const undo = () => act('mark', { id, mark: mark ?? 'none' }, 'As it was').then(again)
      const set = (value, said) => async () => { if (await act('mark', { id, mark: value }, said, undo)) again() }
      return h('section', { class: 'actions', 'aria-label': 'What to do' },
        mark === 'ack' ? button('Not acknowledged', set('none', 'The mark is gone')) : button('Acknowledge', set('ack', 'Acknowledged'), 'main'),
        mark === 'false' ? button('No false alarm', set('none', 'The mark is gone')) : button('False alarm', set('false', 'Marked as a false alarm; it can be exported to train on')),
        timed('Mute', 86400, async (s) => { if (await act('mute', { id, for: s }, `Alerts like this one are not told for ${timeText(s)}`)) again() }),
        who && timed('Block', 600, (s) => act('block', { address: who, for: s }, (a) => a.dry_run ? `A dry run: ${who} would be blocked for ${timeText(s)}` : `${who} is blocked for ${timeText(s)}`, () => act('unblock', { address: who }, `${who} is not blocked any more`))),
        who && button(`Never block`, () => act('allow', { address: who }, `${who} is on the allow list`, () => act('disallow', { address: who }, `${who} is off the allow list`))))
    }

    function tell(answer, again) {
      const { event, flows, others } = answer
      const k = event.karma
      const line = { ...alertLine(event), ended: k.ended ?? k.stage === 'end', mark: k.mark, muted: k.muted }
      const meta = event.alert.metadata ?? {}
      const own = event.alert.category
      const chances = Object.entries(meta.class_probabilities ?? {}).map(([name, p]) => ({ name, p })).filter((c) => c.p >= 0.0005).sort((a, b) => b.p - a.p)
      const technique = meta.mitre_technique_id?.[0]
      const others20 = others.filter((a) => a.id !== k.alert_id).reverse()
      const files = h('div', { class: 'row' },
        !answer.live && h('button', { type: 'button', onclick: () => download('flows', { id: k.alert_id }, `karma-${k.alert_id}.csv`).catch((e) => toast(e.message, 'bad')) }, icon('down'), 'Flows (CSV)'),
        event.capture_file && h('button', { type: 'button', onclick: () => download('capture', { id: k.alert_id }, `karma-${k.alert_id}.pcap`).catch((e) => toast(e.message, 'bad')) }, icon('down'), 'Packets (pcap)'))
      document.title = `${own} ${k.alert_id} – Karma`
      fill(root,
        h('p', { class: 'crumbs' }, h('a', { href: '/alerts' }, 'Alerts'), ' / ', k.alert_id),
        h('div', { class: 'alert-head' },
          h('h1', {}, classTag(own), ' ', h('span', { class: 'muted' }, percent(k.confidence))),
          stateChips(line),
          h('p', { class: 'alert-who' }, line.who ? hostLink(line.who) : many(k.attackers, 'host'), ' → ',
            hostLink(event.dest_ip), line.targets > 1 ? ` and ${many(k.targets - 1, 'other')}` : k.ports <= 1 && event.dest_port ? `:${event.dest_port}` : '')),
        actions(event, again),
        h('div', { class: 'grid three' },
          card('Why', h('ul', { class: 'reasons' }, (meta.reasons ?? []).map((r) => h('li', {}, r))), !(meta.reasons ?? []).length && empty('No reason was kept')),
          card('Class probabilities', bars(chances, { of: (c) => c.p, text: (c) => percent(c.p, 1), color: (c) => c.name === 'Normal' ? 'var(--good)' : classColor(c.name) })),
          card('What', h('dl', { class: 'figures' },
            h('dt', {}, 'First'), h('dd', {}, when(k.first)), h('dt', {}, 'Last'), h('dd', {}, when(k.last)),
            h('dt', {}, 'Flows'), h('dd', {}, whole(k.flows)), h('dt', {}, 'Ports'), h('dd', {}, whole(k.ports)),
            h('dt', {}, 'Targets'), h('dd', {}, whole(k.targets)), h('dt', {}, 'Refused'), h('dd', {}, whole(k.refused)),
            h('dt', {}, 'Technique'), h('dd', {}, technique ? `${technique} ${words(meta.mitre_technique_name?.[0])}, of ${words(meta.mitre_tactic_name?.[0])}` : 'none: the class is too broad'),
            event.app_proto && [h('dt', {}, 'Service'), h('dd', {}, event.app_proto)],
            h('dt', {}, 'Seen on'), h('dd', {}, event.in_iface ?? event.pcap_filename ?? '–'),
            k.model && [h('dt', {}, 'Model'), h('dd', {}, k.model)],
            k.response && [h('dt', {}, 'Response'), h('dd', {}, k.response.text)]))),
        card('Flows over time', flowTimeline(flows), files),
        card('Other alerts of the same party', others20.length ? alertList(others20, 'Other alerts of the same party') : empty('No other alert of this party')),
        card('Flows', flows.length ? flowTable(flows) : empty('No flows are kept of it'),
          answer.flows_left_out ? h('p', { class: 'muted' }, `${many(answer.flows_left_out, 'flow')} between the first and the last ones ${answer.flows_left_out === 1 ? 'was' : 'were'} not kept.`) : null))
    }

    function tellNone(error) {
      const none = error.status === 404 || error.status === 400
      fill(root, h('p', { class: 'crumbs' }, h('a', { href: '/alerts' }, 'Alerts')), h('h1', {}, none ? 'No such alert' : 'Alert'),
        empty(error.message, none ? 'It may have given way to later ones.' : 'It is asked for again.'))
    }

    async function load() {
      stale = false
      try {
        const answer = await ask('alert', { id: params.id })
        if (ended) return
        tell(answer, load)
        there = true
      } catch (error) {
        if (ended) return
        if (!there) tellNone(error)
        // What is live is in the history soon; a karma that does not answer is there again soon.
        if (live.alerts.has(params.id) || !(error.status < 500)) setTimeout(() => { stale = true }, 2000)
      }
    }

    load()
    // Not while somebody is about to press something: then as soon as nobody is.
    const settled = settling(() => { stale = true; look() })
    const look = () => stale && !ended && !(there && root.contains(document.activeElement)) && load()
    const stop = watch(() => {
      const k = live.alerts.get(params.id)?.karma
      const now = k ? `${k.last} ${k.stage}` : ''
      if (shown && now && now !== shown) settled.begin()
      shown = now || shown
      look()
    })
    return { end() { ended = true; stop(); settled.end() } }
  },
}
