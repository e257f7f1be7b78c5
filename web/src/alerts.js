// All alerts: filtered and sorted by the server; the URL says how.
import { ask, query } from './api.js'
import { empty, fill, h, put, say } from './dom.js'
import { classes, classTag, countText, many, percent, when, whomText, whoText } from './format.js'
import { live, settling, watch } from './live.js'
import { longList } from './rows.js'

const columns = [
  { title: 'When', sort: 'last', kind: 'c-when' }, { title: 'Class', sort: 'class', kind: 'c-class' },
  { title: 'Sure', sort: 'confidence', kind: 'c-sure number' }, { title: 'Attacker', sort: 'attacker', kind: 'c-who' },
  { title: 'Target', sort: 'target', kind: 'c-whom' }, { title: 'How much', sort: 'flows', kind: 'c-count' },
  { title: 'Why', kind: 'c-why' }, { title: 'State', kind: 'c-mark' },
]

const marks = { ack: 'acknowledged', false: 'false alarm' }

export function stateChips(a) {
  return h('span', { class: 'chips' },
    a.ended === false && h('span', { class: 'chip alarm' }, 'going on'),
    a.action === 'blocked' && h('span', { class: 'chip' }, 'blocked'),
    a.mark && h('span', { class: `chip ${a.mark === 'ack' ? 'good' : 'warn'}` }, marks[a.mark] ?? a.mark),
    a.muted && h('span', { class: 'chip' }, 'muted'))
}

export function alertCells(a) {
  return [[when(a.last), 'c-when'], [classTag(a.class), 'c-class'], [percent(a.confidence), 'c-sure number'],
    [whoText(a), 'c-who address'], [whomText(a), 'c-whom address'], [countText(a), 'c-count'],
    [a.reason ?? '', 'c-why'], [stateChips(a), 'c-mark']]
}

const option = (value, text) => h('option', { value }, text)

export const alerts = {
  title: 'Alerts',
  show(root, first, go) {
    let params = first
    let list = null
    let newest = ''
    const count = h('p', { class: 'muted count', role: 'status' }, ' ')
    const place = h('div', { class: 'long-place' })
    const fields = {
      class: h('select', { id: 'f-class' }, option('', 'Any'), classes.map((c) => option(c, c))),
      mark: h('select', { id: 'f-mark' }, option('', 'Any'), option('none', 'Not marked'), option('ack', 'Acknowledged'), option('false', 'False alarms')),
      since: h('select', { id: 'f-since' }, option('', 'Any'), option('1h', 'Last hour'), option('24h', 'Last day'), option('7d', 'Last week'), option('30d', 'Last 30 days')),
      confidence: h('select', { id: 'f-confidence' }, option('', 'Any'), option('0.5', '50 % or more'), option('0.8', '80 % or more'), option('0.95', '95 % or more')),
      host: h('input', { id: 'f-host', type: 'search', placeholder: '10.0.0.9 or 10.0.0.0/24', autocomplete: 'off', spellcheck: 'false' }),
      text: h('input', { id: 'f-text', type: 'search', placeholder: 'ssh, T1046, unanswered …', autocomplete: 'off' }),
    }
    const names = { class: 'Class', mark: 'Mark', since: 'Time', confidence: 'Confidence', host: 'Host or network', text: 'Words' }
    const to = (change, replace) => go(`/alerts${query({ ...params, ...change })}`, { replace })
    const clear = h('a', { href: '/alerts', class: 'button' }, 'Clear')
    const form = h('form', { class: 'filters', role: 'search', 'aria-label': 'Filter alerts', onsubmit: (e) => e.preventDefault() },
      Object.entries(fields).map(([name, el]) => {
        let timer
        el.addEventListener(el.tagName === 'SELECT' ? 'change' : 'input', () => {
          clearTimeout(timer)
          timer = setTimeout(() => to({ [name]: el.value.trim() }, true), el.tagName === 'SELECT' ? 0 : 250)
        })
        return h('div', { class: 'field' }, h('label', { for: el.id }, names[name]), el)
      }), h('div', { class: 'field' }, clear))
    put(root, [h('div', { class: 'row between' }, h('h1', {}, 'Alerts'), count), form, place])

    function load() {
      for (const [name, el] of Object.entries(fields))
        if (document.activeElement !== el && el.value !== (params[name] ?? '')) {
          el.value = params[name] ?? ''
          if (el.value !== (params[name] ?? '')) { // a value that is not on offer
            el.append(option(params[name], params[name]))
            el.value = params[name]
          }
        }
      clear.toggleAttribute('hidden', !Object.keys(fields).some((name) => params[name]))
      list?.end()
      const { sort = 'first', way = 'down', ...filters } = params
      list = longList({
        label: 'Alerts', columns, sort: sort === 'first' ? 'last' : sort, way,
        onsort: (by, direction) => to({ sort: by, way: direction === 'up' ? 'up' : '' }),
        fetchPage: async (skip, limit) => {
          const { total, alerts: rows } = await ask('alerts', { ...filters, sort, way, skip, limit })
          return { total, rows }
        },
        key: (a) => a.id,
        cells: alertCells,
        href: (a) => `/alert?id=${a.id}`,
        onTotal(n, error) {
          place.classList.toggle('failed', Boolean(error))
          say(count, error ? error.message : n ? many(n, 'alert') : ' ')
          if (live.status && !live.status.keeps_history && n) say(count, `${many(n, 'alert')}; no history is kept, so only the latest are here`)
        },
        nothing: () => Object.keys(fields).some((name) => params[name])
          ? empty('No alert is like that', 'Widen the filter, or clear it.')
          : empty('No alerts', 'Karma has nothing to report. When it has, it is here at once.'),
      })
      fill(place, list.root)
    }

    load()
    const settled = settling(() => list.refresh())
    const stop = watch(() => {
      const last = [...live.alerts.values()].at(-1)
      const now = last ? `${last.karma.alert_id} ${last.karma.last} ${last.karma.stage}` : ''
      if (newest && now !== newest) settled.begin()
      newest = now || 'none'
    })
    return {
      follow(next) {
        params = next
        load()
        return true
      },
      end() {
        stop()
        settled.end()
        list.end()
      },
    }
  },
}
