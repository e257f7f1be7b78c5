// A long list of which only what is seen is in the page: rows of one height, fetched in pages as
// they come into view; arrows, Page Up and Down, Home and End go from row to row.
import { h } from './dom.js'

const PAGE = 100

// columns: [{name, title, sort?, kind?}]; fetchPage(skip, limit) -> {total, alerts};
// cells(row) -> [[content, kind]...]; href(row).
export function longList({ label, columns, sort, way, onsort, fetchPage, cells, href, onTotal, nothing }) {
  const body = h('div', { class: 'long-body', role: 'rowgroup' })
  const space = h('div', { class: 'long-space', role: 'presentation' }, body)
  const head = h('div', { class: 'long-head', role: 'rowgroup' }, h('div', { class: 'long-row', role: 'row' }, columns.map((c) =>
    h('div', { role: 'columnheader', class: `cell ${c.kind ?? ''}`, 'aria-sort': c.sort !== sort ? null : way === 'up' ? 'ascending' : 'descending' },
      c.sort ? h('button', { type: 'button', class: 'sort', onclick: () => onsort(c.sort, c.sort === sort && way !== 'up' ? 'up' : 'down') },
        c.title, h('span', { 'aria-hidden': 'true', class: 'sort-mark' }, c.sort === sort ? (way === 'up' ? '↑' : '↓') : '')) : c.title))))
  const table = h('div', { role: 'table', 'aria-label': label, class: 'long-table' }, head, space)
  const port = h('div', { class: 'long', tabindex: 0, role: 'region', 'aria-label': `${label}, scrolls` }, table)
  const pages = new Map()
  const shown = new Map()
  let total = 0
  let height = 44
  let ended = false
  let active = 0
  let wanted = false // the active row is to have the focus once it is there

  const row = (i) => pages.get(Math.floor(i / PAGE))?.[i % PAGE]

  async function load(page) {
    if (pages.has(page)) return
    pages.set(page, [])
    try {
      const answer = await fetchPage(page * PAGE, PAGE)
      if (ended) return
      pages.set(page, answer.alerts)
      while (pages.size > 40) pages.delete(pages.keys().next().value)
      setTotal(answer.total)
    } catch (error) {
      pages.delete(page)
      if (!ended) onTotal(null, error)
    }
    draw(true)
  }

  function setTotal(n) {
    total = n
    table.setAttribute('aria-rowcount', n + 1)
    space.style.height = `${n * height}px`
    onTotal(n)
    if (!n && nothing) space.replaceChildren(body, nothing())
  }

  function make(i) {
    const data = row(i)
    if (!data) return h('div', { role: 'row', class: 'long-row waiting', 'aria-rowindex': i + 2 }, h('div', { role: 'cell', class: 'cell' }, '…'))
    return h('div', { role: 'row', class: `long-row ${data.ended === false ? 'going' : ''}`, 'aria-rowindex': i + 2 },
      cells(data).map(([content, kind], n) => h('div', { role: 'cell', class: `cell ${kind ?? ''}` }, n ? content
        : h('a', { class: 'row-link', href: href(data), tabindex: i === active ? 0 : -1, onfocus: () => { active = i } }, content))))
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
    const link = wanted && shown.get(active)?.querySelector('a')
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
    // What is shown is asked for again, without a jump.
    async refresh() {
      const first = Math.floor(port.scrollTop / height / PAGE)
      for (const page of [...pages.keys()]) if (page !== first && page !== first + 1) pages.delete(page)
      const answers = await Promise.all([first, first + 1].filter((p) => pages.has(p)).map(async (p) => [p, await fetchPage(p * PAGE, PAGE)]))
      if (ended) return
      for (const [p, answer] of answers) {
        pages.set(p, answer.alerts)
        setTotal(answer.total)
      }
      for (const [i, el] of shown) {
        if (el.contains(document.activeElement)) continue
        el.remove()
        shown.delete(i)
      }
      draw()
    },
    end() {
      ended = true
      resized.disconnect()
    },
  }
}
