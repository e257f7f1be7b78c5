// Elements. What comes from the network goes into text nodes and properties, never into markup.

// h('a', {href, class, onclick, 'aria-label'}, child, [children], null)
export function h(tag, props, ...children) {
  const svg = tag === 'svg' || tag.startsWith('svg:')
  const el = svg
    ? document.createElementNS('http://www.w3.org/2000/svg', tag.replace('svg:', ''))
    : document.createElement(tag)
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value)
    else if (key === 'class') el.setAttribute('class', value)
    else if (key === 'style') for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v)
    else if (key === 'value') el.value = value
    else el.setAttribute(key, value === true ? '' : value)
  }
  put(el, children)
  return el
}

export function put(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child == null || child === false) continue
    el.append(child instanceof Node ? child : String(child))
  }
}

export function fill(el, ...children) {
  el.replaceChildren()
  put(el, children)
  return el
}

// Only what is new is written, so that a screen reader and a selection are left in peace.
export function say(el, text) {
  if (el.textContent !== text) el.textContent = text
}

const paths = {
  overview: 'M4 13h6V4H4zM14 20h6V4h-6zM4 20h6v-4H4z',
  alerts: 'M12 4 3 19h18zM12 10v4M12 16.6v.4',
  blocks: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.7 5.7l12.6 12.6',
  model: 'M6 6h.01M6 18h.01M12 12h.01M18 6h.01M18 18h.01M6 6l6 6-6 6M18 6l-6 6 6 6',
  system: 'M4 12h4l2-6 4 12 2-6h4',
  ok: 'M5 12.5l4.5 4.5L19 7.5',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  key: 'M14.5 9.5a4 4 0 1 1-1.2-2.8 4 4 0 0 1 1.2 2.8zM13.5 11.5 20 18M17.5 15.5l-2 2',
  down: 'M12 4v11M7 11l5 5 5-5M5 20h14',
}

export function icon(name) {
  return h('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' },
    h('svg:path', { d: paths[name] }))
}

export function card(title, ...children) {
  const id = `card-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`
  return h('section', { class: 'card', 'aria-labelledby': id },
    h('h2', { id }, title), children)
}

export function empty(text, more) {
  return h('div', { class: 'empty' }, h('p', {}, text), more && h('p', { class: 'muted' }, more))
}

// A list of names with bars behind them.
export function bars(rows, { of, text, href, color }) {
  const most = Math.max(1e-12, ...rows.map(of))
  return h('ul', { class: 'bars' }, rows.map((row) => h('li', {},
    h('span', { class: 'bar-fill', style: { width: `${100 * of(row) / most}%`, ...(color ? { background: color(row) } : {}) } }),
    href?.(row) ? h('a', { href: href(row) }, row.name) : h('span', { class: 'bar-name' }, row.name),
    h('span', { class: 'bar-value' }, text(row)))))
}

export function chips(...items) {
  return h('span', { class: 'chips' }, items.filter(Boolean).map(([text, kind]) =>
    h('span', { class: `chip ${kind ?? ''}` }, text)))
}

// A table of few rows: columns of [title, cell(row), 'number'?].
// A tall one scrolls by itself, below its titles.
export function table(caption, columns, rows, { tall } = {}) {
  return h('div', { class: tall ? 'scroll tall' : 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {},
      h('caption', { class: 'unseen' }, caption),
      h('thead', {}, h('tr', {}, columns.map(([title, , kind]) =>
        h('th', { scope: 'col', class: kind === 'number' ? kind : null }, title || h('span', { class: 'unseen' }, 'Actions'))))),
      h('tbody', {}, rows.map((row) => h('tr', {}, columns.map(([, cell, kind]) =>
        h('td', { class: kind }, cell(row))))))))
}
