// A long list of which only what is seen is in the page: rows of one height, fetched in pages as
// they come into view; arrows, Page Up and Down, Home and End go from row to row.
import { h } from './dom.js'

const PAGE = 100
const PATIENCE = [500, 15000] // ms until a page that was not had is asked for again: at first, at most

// kind: its class in the sheet; columns: [{title, sort?, kind?}]; fetchPage(skip, limit) -> {total, rows}; key(row): what
// tells it from others; cells(row) -> [[content, kind]...]; href(row), null: it is no link;
// onTotal(total, error): of each answer; nothing(): what stands there while there is no row.
export function longList({ label, kind = '', columns, sort, way, onsort, fetchPage, key, cells, href, onTotal, nothing }) {
  const body = h('div', { class: 'long-body', role: 'rowgroup' })
  const space = h('div', { class: 'long-space', role: 'presentation' }, body)
  const head = h('div', { class: 'long-head', role: 'rowgroup' }, h('div', { class: 'long-row', role: 'row' }, columns.map((c) =>
    h('div', { role: 'columnheader', class: `cell ${c.kind ?? ''}`, 'aria-sort': c.sort !== sort ? null : way === 'up' ? 'ascending' : 'descending' },
      c.sort ? h('button', { type: 'button', class: 'sort', onclick: () => onsort(c.sort, c.sort === sort && way !== 'up' ? 'up' : 'down') },
        c.title, h('span', { 'aria-hidden': 'true', class: 'sort-mark' }, c.sort === sort ? (way === 'up' ? '↑' : '↓') : '')) : c.title))))
  const table = h('div', { role: 'table', 'aria-label': label, class: 'long-table' }, head, space)
  const port = h('div', { class: `long ${kind}`, tabindex: 0, role: 'region', 'aria-label': `${label}, scrolls` }, table)
  const pages = new Map()
  const shown = new Map()
  const drawn = new WeakMap() // what a row was made of
  let total = 0
  let none = null
  let height = 44
  let ended = false
  let active = 0
  let wanted = false // the active row is to have the focus once it is there
  let wait = 0 // since the last attempt failed: until the next one
  let pause = null
  let turn = 0 // of refresh()

  const row = (i) => pages.get(Math.floor(i / PAGE))?.[i % PAGE]

  async function load(page) {
    if (pause || pages.has(page)) return
    const place = []
    pages.set(page, place)
    try {
      const answer = await fetchPage(page * PAGE, PAGE)
      if (ended || pages.get(page) !== place) return
      take(page, answer)
      while (pages.size > 40) pages.delete(pages.keys().next().value)
      draw(true)
    } catch (error) {
      if (pages.get(page) === place) pages.delete(page)
      later(error)
    }
  }

  function take(page, answer) {
    wait = 0
    pages.set(page, answer.rows)
    setTotal(answer.total)
  }

  // After a failure nothing is asked for until a while has passed; then all that is in view.
  function later(error) {
    if (ended || pause) return
    wait = Math.min(wait ? wait * 2 : PATIENCE[0], PATIENCE[1])
    pause = setTimeout(() => { pause = null; refresh() }, wait)
    onTotal(null, error)
  }

  function setTotal(n) {
    total = n
    table.setAttribute('aria-rowcount', n + 1)
    space.style.height = `${n * height}px`
    port.style.setProperty('--rows', n)
    onTotal(n)
    if (n || !nothing) {
      none?.remove()
      none = null
    } else if (!none) {
      space.append(none = nothing())
    }
  }

  // Whoever is in a row stays in it, wherever it is now: in the row of the same number there is
  // another perhaps.
  function follow(held) {
    if (held == null || (row(active) && key(row(active)) === held)) return
    for (const [page, rows] of pages) {
      const i = rows.findIndex((r) => key(r) === held)
      if (i >= 0) active = page * PAGE + i
    }
    active = Math.max(0, Math.min(total - 1, active))
  }

  // What is shown is asked for again, without a jump.
  async function refresh() {
    if (pause) return
    const own = ++turn
    const first = Math.floor(port.scrollTop / height / PAGE)
    const held = shown.get(active)?.contains(document.activeElement) && row(active) ? key(row(active)) : null
    try {
      const answers = await Promise.all([first, first + 1].filter((p) => p === first || pages.has(p)).map(async (p) => [p, await fetchPage(p * PAGE, PAGE)]))
      if (ended || own !== turn) return
      pages.clear()
      answers.forEach(([p, answer]) => take(p, answer))
    } catch (error) {
      if (own === turn) later(error)
      return
    }
    follow(held)
    for (const [i, el] of shown) {
      if (row(i) && drawn.get(el) === JSON.stringify(row(i))) continue
      const inside = el.contains(document.activeElement)
      if (inside && i === active && row(i) && key(row(i)) === held) {
        freshen(i, el)
        continue
      }
      wanted ||= inside
      el.remove()
      shown.delete(i)
    }
    draw()
  }

  function make(i) {
    const data = row(i)
    if (!data) return h('div', { role: 'row', class: 'long-row waiting', 'aria-rowindex': i + 2 }, h('div', { role: 'cell', class: 'cell' }, '…'))
    const el = h('div', { role: 'row', class: `long-row ${data.ended === false ? 'going' : ''}`, 'aria-rowindex': i + 2, onfocusin: () => { active = i } },
      cells(data).map(([content, kind], n) => h('div', { role: 'cell', class: `cell ${kind ?? ''}` }, n ? content
        : h(href(data) ? 'a' : 'span', { class: 'row-link', href: href(data), tabindex: i === active ? 0 : -1 }, content))))
    drawn.set(el, JSON.stringify(data))
    return el
  }

  // All but what has the focus.
  function freshen(i, el) {
    const now = make(i)
    el.className = now.className
    drawn.set(el, drawn.get(now))
    for (const [n, cell] of [...now.children].entries())
      if (!el.children[n].contains(document.activeElement)) el.children[n].replaceWith(cell)
  }

  function draw(anew) {
    if (ended || !port.isConnected) return
    height = parseFloat(getComputedStyle(port).getPropertyValue('--row')) || 44
    space.style.height = `${Math.max(total * height, total ? 0 : 160)}px`
    const from = Math.max(0, Math.floor(port.scrollTop / height) - 6)
    const to = Math.min(total, Math.ceil((port.scrollTop + port.clientHeight) / height) + 6)
    const focused = [...shown].find(([, el]) => el.contains(document.activeElement))?.[0]
    for (const [i, el] of shown) {
      if (i >= from && i < to && !(anew && el.classList.contains('waiting'))) continue
      if (i === focused && i >= from && i < to) continue
      el.remove()
      shown.delete(i)
    }
    for (let i = from; i < to; i++) {
      if (!row(i)) load(Math.floor(i / PAGE))
      if (shown.has(i)) continue
      const el = make(i)
      el.style.transform = `translateY(${i * height}px)`
      shown.set(i, el)
      body.append(el)
    }
    const link = wanted && shown.get(active)?.querySelector('.row-link')
    if (link) {
      wanted = false
      link.focus({ preventScroll: true })
    }
  }

  function move(to) {
    active = Math.max(0, Math.min(total - 1, to))
    const top = active * height
    const room = port.clientHeight - head.offsetHeight
    if (top < port.scrollTop) port.scrollTop = top
    else if (top + height > port.scrollTop + room) port.scrollTop = top + height - room
    wanted = true
    draw()
  }

  port.addEventListener('scroll', () => requestAnimationFrame(() => draw()), { passive: true })
  port.addEventListener('keydown', (e) => {
    if (e.target.closest('.long-head')) return
    const page = Math.max(1, Math.floor(port.clientHeight / height) - 1)
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: total - 1 }[e.key]
    if (to == null) return
    e.preventDefault()
    move(document.activeElement === port && e.key.startsWith('Arrow') ? active : to)
  })
  const resized = new ResizeObserver(() => draw())
  resized.observe(port)
  load(0)
  return {
    root: port,
    refresh,
    end() {
      ended = true
      clearTimeout(pause)
      resized.disconnect()
    },
  }
}
