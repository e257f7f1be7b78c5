// Is all well? Then: how much, what was, who.
import { ask, query } from './api.js'
import { chart, spark } from './chart.js'
import { bars, card, empty, fill, h, icon, put, say } from './dom.js'
import { absolute, ago, bytes, classColor, classes, classTag, countText, lasting, many, percent, seconds, short, when, whole, whomText, whoText } from './format.js'
import { live, watch } from './live.js'
import { rangeOf, rangeRow, spanOf, stepsOf } from './range.js'

export function alertLine(event) {
  const k = event.karma
  return { id: k.alert_id, class: event.alert.category, who: event.src_ip, whom: event.dest_ip, port: event.dest_port,
    first: k.first, last: k.last, confidence: k.confidence, flows: k.flows, attackers: k.attackers, targets: k.targets,
    ports: k.ports, ended: k.stage === 'end', action: event.alert.action, reason: event.alert.metadata?.reasons?.[0] }
}

// What the banner says.
function verdict() {
  if (live.state === 'waiting') return ['waiting', 'Looking…', 'Asking Karma how things are.']
  if (live.state !== 'live') return ['bad', 'Karma does not answer', live.why]
  const errors = live.wrong.filter((w) => w.severity === 'error')
  const going = [...live.alerts.values()].filter((e) => e.karma.stage !== 'end' && !e.karma.muted)
  if (errors.length) return ['bad', errors.length === 1 ? 'Something is wrong' : `${errors.length} things are wrong`, errors[0].what]
  if (going.length) {
    const who = new Set(going.map((e) => e.src_ip).filter(Boolean))
    return ['alarm', going.length === 1 ? 'An attack is going on' : `${going.length} attacks are going on`,
      who.size ? `By ${[...who].slice(0, 3).join(', ')}${who.size > 3 ? ` and ${who.size - 3} more` : ''}` : 'By many hosts']
  }
  if (live.wrong.length) return ['warn', 'Karma watches, with a reserve', live.wrong[0].what]
  return ['good', 'All is well', 'No attack is going on, and nothing is wrong.']
}

function watching() {
  const s = live.status
  if (!s) return ''
  const names = (s.interfaces ?? []).map((i) => i.name).join(', ')
  const last = [...live.alerts.values()].at(-1)
  return [names && `Watching ${names}`, s.started && `for ${lasting(live.now - s.started)}`, s.model?.id && `· model ${s.model.id}`,
    last ? `· last alert ${ago(seconds(last.karma.last))}` : '· no alert since the start'].filter(Boolean).join(' ')
}

function tile(name, text) {
  const value = h('span', { class: 'tile-value' }, '–')
  const line = spark()
  const more = h('span', { class: 'tile-more' }, text)
  return { root: h('div', { class: 'tile' }, h('span', { class: 'tile-name' }, name), value, more, line.root),
    set(shown, values, under, bad) {
      say(value, shown)
      say(more, under)
      line.set(values)
      this.root.classList.toggle('bad', Boolean(bad))
    } }
}

const figures = (counts, kind) => h('dl', { class: `figures ${kind}` }, counts.map(([name, n]) => [h('dt', {}, name), h('dd', {}, whole(n))]))

export const overview = {
  title: 'Overview',
  show(root, first, go) {
    let params = first
    let answer = null
    let ended = false
    const sign = h('span', { class: 'verdict-sign', 'aria-hidden': 'true' }, icon('ok'))
    const head = h('h1', {}, 'Looking…')
    const why = h('p', { class: 'verdict-why' }, ' ')
    const meta = h('p', { class: 'muted verdict-meta' }, ' ')
    const banner = h('section', { class: 'verdict', 'aria-live': 'polite' }, sign, h('div', {}, head, why, meta))
    const wrong = h('div', { class: 'wrong' })
    const tiles = {
      packets: tile('Packets', 'a second'), bytes: tile('Traffic', 'a second'), records: tile('Flow records', 'judged a second'),
      open: tile('Open flows', ''), hosts: tile('Hosts', 'remembered'), lost: tile('Losses', ''),
    }
    const change = (since, until) => go(`/?since=${since}&until=${until}`)
    const range = rangeRow({ href: (since) => `/${query({ since })}`, span: () => spanOf(params, answer), change })
    const traffic = chart({ label: 'Packets and flows a second', onzoom: (a, b) => change(Math.round(a), Math.round(b)),
      series: [{ label: 'Packets/s', color: 'var(--accent)' }, { label: 'Flows/s', color: 'var(--second)' }] })
    const byClass = chart({ label: 'Alerts by class', kind: 'bars', onzoom: (a, b) => change(Math.round(a), Math.round(b)),
      unit: (n) => Number.isInteger(n) ? whole(n) : '',
      series: classes.map((c) => ({ label: c, color: classColor(c), text: whole })) })
    byClass.root.classList.add('by-class')
    const attackers = h('div', { class: 'least-lines' })
    const targets = h('div', { class: 'least-lines' })
    const services = h('div', { class: 'least-lines' })
    const gone = h('div', { class: 'gone-before', role: 'status' })
    const latest = h('div', { class: 'latest' })
    const losses = h('div', {})

    put(root, [banner, wrong,
      h('section', { class: 'tiles', 'aria-label': 'Right now' }, Object.values(tiles).map((t) => t.root)),
      range.root, gone,
      h('div', { class: 'grid two' }, card('Traffic', traffic.root), card('Alerts by class', byClass.root)),
      h('div', { class: 'grid wide-left' }, card('Latest alerts', latest), card('Share of traffic by service', h('p', { class: 'muted what' }, 'In the last hour, or since the start.'), services)),
      h('div', { class: 'grid three' }, card('Attackers', attackers), card('Targets', targets), card('Losses', losses))])

    function tell() {
      const [kind, text, more] = verdict()
      banner.dataset.kind = kind
      say(head, text)
      say(why, more)
      say(meta, watching() || ' ')
      fill(wrong, live.wrong.map((w) => h('div', { class: `notice ${w.severity === 'error' ? 'bad' : 'warn'}` },
        h('strong', {}, w.what), w.remedy && h('span', {}, w.remedy))))
      const { points } = live
      const last = points.at(-1) ?? {}
      const of = (key) => points.map((p) => p[key] ?? 0)
      const lost = of('lost').reduce((a, b) => a + b, 0)
      const room = live.table.room
      tiles.packets.set(short(last.packets), of('packets'), 'a second')
      tiles.bytes.set(last.bytes == null ? '–' : bytes(last.bytes), of('bytes'), 'a second')
      tiles.records.set(short(last.records), of('records'), 'judged a second')
      tiles.open.set(short(live.table.open ?? last.open), of('open'), room ? `of ${short(room)}` : '')
      tiles.hosts.set(short(last.hosts), of('hosts'), 'remembered')
      tiles.lost.set(short(lost), of('lost'), 'in two minutes', lost)
      tellLosses()
      tellServices()
      tellLatest()
    }

    function tellLosses() {
      const of = (counts) => Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1])
      const lost = of(live.losses)
      const counted = of(live.counted)
      const shown = JSON.stringify([lost, counted])
      if (losses.dataset.shown === shown) return
      losses.dataset.shown = shown
      fill(losses, lost.length ? figures(lost, 'bad') : empty('Nothing lost', 'Every packet was metered, every record judged.'),
        counted.length > 0 && [h('h3', {}, 'No loss, but counted'), figures(counted, 'muted')])
    }

    function tellServices() {
      const all = (live.services ?? []).map((s) => ({ ...s, name: s.name || 'unknown' }))
      const shown = JSON.stringify(all)
      if (services.dataset.shown === shown) return
      services.dataset.shown = shown
      const sum = all.reduce((a, s) => a + s.bytes, 0)
      fill(services, all.length ? bars(all.slice(0, 8), { of: (s) => s.bytes, text: (s) => `${percent(s.bytes / (sum || 1))} · ${bytes(s.bytes)}`, color: () => 'var(--accent)' })
        : empty('No traffic yet', 'Services are named as their flows end or are looked at.'))
    }

    function tellLatest() {
      const rows = [...live.alerts.values()].reverse().slice(0, 6).map(alertLine)
      const shown = JSON.stringify(rows.map((r) => [r.id, r.last, r.ended]))
      if (latest.dataset.shown === shown) return
      latest.dataset.shown = shown
      fill(latest, rows.length ? h('ul', { class: 'lines' }, rows.map((r) => h('li', {},
        h('a', { href: `/alert?id=${r.id}`, class: 'line' },
          h('span', { class: 'line-head' }, classTag(r.class), h('span', { class: 'muted' }, percent(r.confidence)),
            !r.ended && h('span', { class: 'chip alarm' }, 'going on'), r.action === 'blocked' && h('span', { class: 'chip' }, 'blocked')),
          h('span', { class: 'line-who' }, whoText(r), ' → ', whomText(r)),
          h('span', { class: 'muted line-count' }, countText(r), ' · ', when(r.last))))),
      ) : empty('No alert since Karma started', 'When one arises it is here within a second.'))
    }

    // Of a time whose alerts gave way to later ones the charts would say that nothing was.
    function tellGone() {
      const oldest = answer.oldest ? seconds(answer.oldest) : answer.until
      const some = answer.removed > 0 && oldest > answer.since
      const shown = some ? `${many(answer.removed, 'older alert')} gave way to later ones: before ${absolute(oldest)} none is counted here.` : ''
      if (gone.textContent !== shown) fill(gone, some && h('div', { class: 'notice warn' }, h('span', {}, shown)))
    }

    function tellHistory() {
      tellGone()
      const at = stepsOf(answer)
      const place = new Map(at.map((t, i) => [t, i]))
      const packets = at.map(() => null)
      const flows = at.map(() => null)
      for (const m of answer.minutes) {
        const i = place.get(Math.floor(m.at / answer.step) * answer.step)
        if (i == null || !m.seconds) continue
        packets[i] = m.packets / m.seconds
        flows[i] = m.flows / m.seconds
      }
      const counts = classes.map(() => at.map(() => 0))
      const sums = {}
      for (const c of answer.classes) {
        const n = classes.indexOf(c.name)
        const i = place.get(c.at)
        sums[c.name] = (sums[c.name] ?? 0) + c.count
        if (n >= 0 && i != null) counts[n][i] = c.count
      }
      traffic.set([at, packets, flows], `Most packets a second: ${short(Math.max(0, ...packets.map((p) => p ?? 0)))}`)
      byClass.set([at, ...counts], Object.entries(sums).map(([c, n]) => `${c}: ${n}`).join(', ') || 'No alerts')
      const keys = byClass.root.querySelectorAll('.key')
      classes.forEach((c, i) => keys[i]?.classList.toggle('gone', !sums[c]))
      const byHost = (rows, nobody) => rows.length
        ? bars(rows, { of: (r) => r.count, text: (r) => many(r.count, 'alert'), href: (r) => `/host?addr=${encodeURIComponent(r.name)}`, color: () => 'var(--alarm)' })
        : empty(nobody)
      fill(attackers, byHost(answer.attackers, 'Nobody attacked in this time'))
      fill(targets, byHost(answer.targets, 'Nobody was attacked in this time'))
    }

    async function load() {
      range.tell(params)
      try {
        const next = await ask('overview', { since: rangeOf(params), until: params.until })
        if (ended) return
        answer = next
        tellHistory()
      } catch (error) {
        if (ended) return
        const text = error.status === 404 ? 'No history is kept' : error.message
        fill(attackers, empty(text))
        fill(targets, empty(text))
      }
    }

    const stop = watch(tell)
    const timer = setInterval(() => { if (!params.until && !document.hidden) load() }, 15000)
    tell()
    load()
    return {
      follow(next) {
        params = next
        load()
        return true
      },
      end() {
        ended = true
        stop()
        clearInterval(timer)
        traffic.end()
        byClass.end()
      },
    }
  },
}
