// The machine's side: health, how full the table is, how long each stage takes, what is lost.
import { ask } from './api.js'
import { card, chips, empty, fill, h, put, say, table } from './dom.js'
import { lasting, micros, percent, short, when, whole } from './format.js'
import { live, watch } from './live.js'

const stages = { wait: 'From the kernel’s ring to the record', judge: 'Features, network and evidence, a batch', alert: 'From the packet to the alert',
  history: 'A batch into the history', loop: 'One turn of the loop', record: 'A record' }

// What became of an output's lines.
function how(o) {
  const parts = [o.failing && `fails for ${lasting(o.failing_s)}, ${whole(o.waiting)} lines wait`, o.lost && `${whole(o.lost)} lines lost`].filter(Boolean)
  const written = parts.length ? `${parts.join(', ')}: ${o.why}` : 'written'
  return o.limited ? `${written}; ${whole(o.limited)} kept back: too many a minute` : written
}

const counts = (of) => Object.entries(of).sort((a, b) => b[1] - a[1])

export const system = {
  title: 'System',
  show(root) {
    const health = h('div', { class: 'stack' })
    const fillText = h('p', { class: 'big' }, '–')
    const meter = h('div', { class: 'meter wide', role: 'meter', 'aria-label': 'Flow table', 'aria-valuemin': 0, 'aria-valuemax': 100 }, h('span', { class: 'meter-fill' }))
    const fillMore = h('p', { class: 'muted' }, ' ')
    const latency = h('div', {})
    const losses = h('div', { class: 'losses-port', tabindex: 0, role: 'region', 'aria-label': 'Losses by cause' })
    const parts = h('div', {})
    const body = h('div', { class: 'stack', hidden: true })
    put(root, [h('h1', {}, 'System'), body])
    put(body, [
      h('div', { class: 'grid two' }, card('Health', health), card('Flow table', fillText, meter, fillMore)),
      h('div', { class: 'grid two' }, card('Latency of each stage', latency), card('Losses', losses)),
      card('Parts', parts)])

    // Written anew only when it has changed.
    const shown = new WeakMap()
    const once = (el, value, make) => {
      const text = JSON.stringify(value)
      if (shown.get(el) === text) return
      shown.set(el, text)
      fill(el, make())
    }

    function tellParts(s) {
      const rows = [
        ...(s.interfaces ?? []).map((i) => ['Interface', i.name, i.attached ?? '', i.there !== false]),
        ['Model', s.model?.path, `id ${s.model?.id}, kernel ${s.model?.kernel}`, true],
        s.profile && ['Profile', s.profile.path, s.profile.drifted ? 'drifted' : 'fits', !s.profile.drifted],
        ['History', s.history?.path ?? 'none', s.history?.why || (s.history ? 'written' : 'no history is kept'), s.history ? !s.history.failing : null],
        ...(s.outputs ?? []).map((o) => ['Output', `${o.kind} ${o.path ?? ''}`, how(o), !o.failing && !o.lost]),
        ['Blocking', s.block?.mode ?? 'off', s.block?.attached ? `${s.block.attached} XDP` : '', s.block?.mode === 'off' ? null : true],
        s.web && ['Dashboard', s.web.url, `token in ${s.web.token}`, true],
      ].filter(Boolean)
      once(parts, rows, () => table('Parts of Karma', [
        ['What', (r) => r[0]], ['Which', (r) => h('span', { class: 'path' }, r[1] ?? '–')], ['How', (r) => r[2]],
        ['State', (r) => r[3] == null ? chips(['off']) : r[3] ? chips(['well', 'good']) : chips(['wrong', 'bad'])]], rows))
    }

    // All at once, when it is known: nothing moves then.
    function tell() {
      const s = live.status
      body.toggleAttribute('hidden', live.state === 'waiting')
      const open = live.table.open ?? 0
      const room = live.table.room ?? 0
      once(health, [live.state, live.wrong, s?.version, s?.pid, s?.reloaded], () => [
        live.state === 'live' || live.state === 'waiting' ? null : h('div', { class: 'notice bad' }, h('strong', {}, live.why)),
        live.wrong.map((w) => h('div', { class: `notice ${w.severity === 'error' ? 'bad' : 'warn'}` }, h('strong', {}, w.what), h('span', {}, w.remedy))),
        !live.wrong.length && live.state === 'live' && h('div', { class: 'notice good' }, h('strong', {}, 'Nothing is wrong')),
        s && h('dl', { class: 'figures' }, h('dt', {}, 'Version'), h('dd', {}, s.version ?? '–'), h('dt', {}, 'Process'), h('dd', {}, s.pid ?? '–'),
          h('dt', {}, 'Started'), h('dd', {}, when(s.started)), s.reloaded && [h('dt', {}, 'Reloaded'), h('dd', {}, when(s.reloaded))])])
      const share = room ? open / room : 0
      say(fillText, room ? percent(share, share < 0.1 ? 1 : 0) : '–')
      say(fillMore, room ? `${whole(open)} flows open, room for ${short(room)}` : ' ')
      meter.firstChild.style.width = percent(share, 1)
      meter.setAttribute('aria-valuenow', Math.round(100 * share))
      meter.classList.toggle('bad', share > 0.9)
      const rows = Object.entries(live.latency)
      once(latency, rows, () => rows.length ? table('Latency of each stage', [
        ['Stage', ([name]) => h('span', { title: name }, stages[name] ?? name), 'wrap'], ['Middle', ([, v]) => micros(v.p50), 'number'], ['99 %', ([, v]) => micros(v.p99), 'number'],
        ['Most', ([, v]) => micros(v.max), 'number'], ['Count', ([, v]) => short(v.count), 'number']], rows) : empty('Nothing was measured yet'))
      const lost = counts(live.losses)
      const counted = counts(live.counted)
      once(losses, [lost, counted], () => [
        h('dl', { class: 'figures losses' }, lost.map(([name, n]) => [h('dt', { class: n ? 'bad' : '' }, name), h('dd', { class: n ? 'bad' : 'muted' }, whole(n))])),
        h('h3', {}, 'No loss, but counted'),
        h('dl', { class: 'figures losses' }, counted.map(([name, n]) => [h('dt', {}, name), h('dd', { class: n ? '' : 'muted' }, whole(n))]))])
      if (s) tellParts(s)
    }

    const refresh = () => ask('status').then((s) => { live.status = s; tell() }).catch(() => {})
    const stop = watch(tell)
    const timer = setInterval(() => !document.hidden && refresh(), 5000)
    tell()
    return { end() { stop(); clearInterval(timer) } }
  },
}

