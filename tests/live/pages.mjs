// usage: node pages.mjs URL
// The dashboard's pages in Chromium, for tests/live/pages.sh: prints "ok name" or "FAILED name: why".
// Between them and the server at URL, which has a history and no daemon, stands this: it plays the
// daemon, and answers late, wrongly or not at all where a check wants that.
import http from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../web/', import.meta.url))
const { chromium } = require('playwright-core')
const upstream = new URL(process.argv[2])
const instead = new Map() // path: call(url, response)
const streams = new Set()
const asked = [] // paths
const day = 86400

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const json = (response, object, status = 200) => {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(object))
}
const gone = (_, response) => json(response, { ok: false, error: 'karma is not there' }, 503)
const never = () => {}
const real = async (path) => (await fetch(new URL(path, upstream))).json()

function forward(request, response) {
  const headers = { ...request.headers, host: upstream.host }
  delete headers.origin
  request.pipe(http.request({ host: upstream.hostname, port: upstream.port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
  }).on('error', () => response.destroy()))
}

// ---- the daemon ----

const now = Math.floor(Date.now() / 1000)
const daemon = { ok: true, started: now - 9000, now, seq: 1, more: false, points: [], alerts: [], hosts: [], losses: {}, counted: {},
  table: { open: 1, room: 10 }, block: { mode: 'on' }, latency: {}, services: [], wrong: [] }
const status = { ok: true, may_act: false, token_file: '/token', keeps_history: true, interfaces: [{ name: 'eth0' }],
  started: daemon.started, model: { id: '9bb84268', path: '/model' }, block: { mode: 'on' } }
const point = (at, packets) => ({ at, packets, bytes: 1, flows: 1, records: 1, alerts: 0, lost: 0, open: 1, hosts: 1, dropped: 0 })
const alertEvent = (id, stage) => ({ src_ip: '10.9.9.9', dest_ip: '192.0.2.1', alert: { category: 'Worms', action: 'allowed', metadata: { reasons: ['r'] } },
  karma: { alert_id: id, stage, first: now - 5, last: now, confidence: 0.9, flows: 3, attackers: 1, targets: 1, ports: 1 } })
const alertLine = (id, ended) => ({ id, class: 'Worms', who: '10.9.9.9', whom: '192.0.2.1', first: now - 5, last: now, confidence: 0.9, flows: 3, attackers: 1, targets: 1, ports: 1, ended })

function tell(change) {
  daemon.seq++
  const event = { ...daemon, points: [], alerts: [], ...change }
  for (const s of streams) s.write(`event: live\ndata: ${JSON.stringify(event)}\n\n`)
}

function begin() {
  instead.clear()
  daemon.hosts = []
  instead.set('/api/status', (_, r) => json(r, status))
  instead.set('/api/live', (_, r) => json(r, daemon))
  instead.set('/api/events', (_, r) => {
    r.writeHead(200, { 'Content-Type': 'text/event-stream' })
    r.write(':\n\n')
    streams.add(r)
    r.on('close', () => streams.delete(r))
  })
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, upstream)
  asked.push(url.pathname)
  const own = instead.get(url.pathname)
  if (own) own(url, response)
  else forward(request, response)
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const base = `http://127.0.0.1:${server.address().port}/`

// ---- checks ----

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })

function must(condition, why) {
  if (!condition) throw new Error(why)
}

async function until(call, why, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; ;) {
    if (await call()) return
    if (Date.now() > end) throw new Error(why)
    await sleep(50)
  }
}

async function check(name, call) {
  begin()
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
  const page = await context.newPage()
  page.setDefaultTimeout(30000)
  try {
    await call(page)
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`FAILED ${name}: ${String(error.message ?? error).replaceAll('\n', ' ').slice(0, 600)}`)
  }
  await context.close()
}

const text = (page) => page.evaluate(() => document.querySelector('main').innerText)
const has = (page, words, why, seconds) => until(async () => (await text(page)).includes(words), why ?? `it does not say '${words}'`, seconds)
const open = async (page, path) => {
  await page.goto(base + path)
  await until(() => page.evaluate(() => document.querySelector('.state')?.dataset.state === 'live'), 'it is not live')
  await until(() => streams.size > 0, 'no stream')
}
const since = (path, n) => asked.slice(n).filter((p) => p === path).length
const row = (page, i) => page.locator(`[aria-rowindex="${i + 2}"] .row-link`)

await check('the first view needs three files, an icon, three answers and a stream', async (page) => {
  const n = asked.length
  await open(page, '')
  await has(page, 'Attackers')
  await until(() => since('/api/events', n) === 1, 'no stream')
  const sizes = await page.evaluate(() => ['navigation', 'resource'].flatMap((t) => performance.getEntriesByType(t)).filter((r) => !/api/.test(r.name)).map((r) => r.encodedBodySize))
  const bytes = sizes.reduce((a, b) => a + b, 0)
  console.log(`first view: ${asked.length - n} requests, ${bytes} bytes of files`)
  must(asked.length - n <= 8, `${asked.length - n} requests: ${asked.slice(n).join(' ')}`)
  must(bytes > 10000 && bytes < 62000, `${bytes} bytes`)
})
await check('alerts: a first page that fails is asked for again after a pause, and comes', async (page) => {
  instead.set('/api/alerts', gone)
  await open(page, 'alerts')
  await until(() => page.evaluate(() => /not there/.test(document.querySelector('.count').textContent)), 'no error is shown')
  const n = asked.length
  await sleep(4000)
  must(since('/api/alerts', n) <= 6, `${since('/api/alerts', n)} requests in 4 s`)
  instead.delete('/api/alerts')
  await row(page, 0).waitFor()
  await until(() => page.evaluate(() => /alerts$/.test(document.querySelector('.count').textContent)), 'the error stays')
})
await check('alerts: so is a later page', async (page) => {
  await open(page, 'alerts')
  await row(page, 0).waitFor()
  instead.set('/api/alerts', gone)
  const n = asked.length
  await page.locator('.long').focus()
  await page.keyboard.press('End')
  await sleep(4000)
  const tries = since('/api/alerts', n)
  must(tries >= 1 && tries <= 8, `${tries} requests in 4 s`)
  instead.delete('/api/alerts')
  await until(() => page.evaluate(() => document.activeElement.closest('[aria-rowindex]')?.ariaRowIndex > 1000), 'the last row does not come')
})
await check('alerts: "No alerts" goes with the first that arrives, though the history has it a second later', async (page) => {
  let list = []
  instead.set('/api/alerts', (_, r) => json(r, { ok: true, total: list.length, alerts: list }))
  await open(page, 'alerts')
  await has(page, 'No alerts')
  tell({ alerts: [alertEvent('aaaaaaa1', 'new')] })
  await sleep(1200)
  list = [alertLine('aaaaaaa1', true)]
  tell({}) // no alert is in it
  await row(page, 0).waitFor()
  must(!(await text(page)).includes('No alerts'), '"No alerts" stays')
  tell({ alerts: [alertEvent('aaaaaaa2', 'new')] })
  await sleep(1200)
  list = [alertLine('aaaaaaa2', false), ...list]
  await row(page, 1).waitFor()
})
await check('an alert that ends is shown as ended, though the history has it a second later', async (page) => {
  let ended = false
  instead.set('/api/alert', (_, r) => json(r, { ok: true, event: { ...alertEvent('aaaaaaa1'), karma: { ...alertEvent('aaaaaaa1').karma, ended } }, flows: [], others: [], flows_left_out: 0 }))
  daemon.alerts = [alertEvent('aaaaaaa1', 'new')]
  await open(page, 'alert?id=aaaaaaa1')
  daemon.alerts = []
  await has(page, 'going on')
  tell({})
  tell({ alerts: [alertEvent('aaaaaaa1', 'end')] })
  await sleep(1000)
  ended = true
  await until(async () => !(await text(page)).includes('going on'), 'it goes on')
})
await check('live figures follow a clock that is set back', async (page) => {
  daemon.points = [point(now - 1, 11), point(now, 12)]
  await open(page, '')
  daemon.points = []
  tell({ points: [point(now + 1, 13)] })
  const tile = () => page.evaluate(() => document.querySelector('.tile-value').textContent)
  await until(async () => await tile() === '13', 'no figures')
  tell({ points: [point(now - 3600, 77)] })
  await until(async () => await tile() === '77', 'they stand still')
})
await check('a stream that says nothing for 35 s is said, and begun anew', async (page) => {
  await page.clock.install()
  await open(page, '')
  const n = asked.length
  await page.clock.fastForward(20000)
  tell({})
  await sleep(1000)
  await page.clock.fastForward(20000) // it was heard in between
  await sleep(500)
  must(since('/api/live', n) === 0, 'it was given up too soon')
  instead.set('/api/live', never)
  await page.clock.fastForward(36000)
  await has(page, 'Karma does not answer')
  await has(page, 'nothing for 35 s')
  must(await page.evaluate(() => document.querySelector('.state').dataset.state === 'down'), 'it is still live')
  begin()
  await until(async () => {
    await page.clock.fastForward(4000)
    return page.evaluate(() => document.querySelector('.state').dataset.state === 'live')
  }, 'it is not begun anew')
})
await check('a host is known by however its address is written', async (page) => {
  const ip = '2001:db8::1'
  daemon.hosts = [{ ip, suspicion: 0.4, records: 7 }]
  instead.set('/api/host', (url, r) => json(r, { ok: true, ip: url.searchParams.get('addr') === '2001:DB8::1' ? ip : '?', suspicion: [], alerts: [], services: [], peers: [],
    mutes: [{ low: ip, high: ip, until: now + day, attacks: true }] }))
  await open(page, 'host?addr=2001:DB8::1')
  await has(page, 'Right now 40 %')
  await has(page, 'alerts of it are muted')
})
await check('10,000 blocked addresses: few rows in the page, the last is reached, what is unchanged is not drawn', async (page) => {
  const all = Array.from({ length: 10000 }, (_, i) => ({ what: `10.1.${i >> 8}.${i & 255}`, kind: 'block', since: now - i, until: now + day, by: 'person', uid: 0, packets: i, bytes: i * 60 }))
  instead.set('/api/blocks', (url, r) => {
    const after = Number(url.searchParams.get('after') ?? 0)
    json(r, { ok: true, entries: all.slice(after, after + 500), next: after + 500 < all.length ? after + 500 : null, dropped: 5, allow: [] })
  })
  await open(page, 'blocks')
  await has(page, '10,000 entries, 5 packets dropped')
  must(await page.locator('.long-body .long-row').count() < 60, 'all rows are in the page')
  await page.evaluate(() => {
    window.changes = 0
    new MutationObserver((list) => { window.changes += list.filter((m) => !m.target.closest?.('time')).length })
      .observe(document.querySelector('.long-body'), { childList: true, subtree: true })
  })
  const n = asked.length
  await until(() => since('/api/blocks', n) >= 20, 'it is not read again', 60)
  await sleep(500)
  must(await page.evaluate(() => window.changes) === 0, 'it is drawn anew')
  await page.locator('.long').focus()
  await page.keyboard.press('End')
  await until(() => page.evaluate(() => document.activeElement.textContent === '10.1.39.15'), 'the last row is not reached')
  all.length = 3
  await until(() => page.evaluate(() => document.activeElement.textContent === '10.1.0.2'), 'who was in the last row is not in the list any more', 60)
})

// ---- figures: what is drawn is what the history says ----

const many = (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`
const sums = (classes) => {
  const all = {}
  for (const c of classes) all[c.name] = (all[c.name] ?? 0) + c.count
  return Object.entries(all).map(([name, n]) => `${name}: ${n}`).sort().join(', ')
}
const byClass = (page) => page.evaluate(() => document.querySelector('.by-class .unseen').textContent.split(', ').sort().join(', '))
const bars = (page, title) => page.evaluate((t) => [...document.querySelectorAll('section.card')].find((c) => c.querySelector('h2').textContent === t)
  ?.innerText.replace(/\s+/g, ' ') ?? '', title)

await check('overview: a month by class, attackers, targets, and a range that is zoomed', async (page) => {
  await open(page, '?since=30d')
  const month = await real('api/overview?since=30d')
  must(month.classes.length > 5 && month.attackers.length > 3, 'the history has too little')
  await until(async () => await byClass(page) === sums(month.classes), `the chart says ${await byClass(page)}, the history ${sums(month.classes)}`)
  for (const [title, list] of [['Attackers', month.attackers], ['Targets', month.targets]])
    for (const one of list) must((await bars(page, title)).includes(`${one.name} ${many(one.count, 'alert')}`), `${title} lack ${one.name} with ${one.count}`)
  await page.getByRole('button', { name: 'Zoom in' }).click()
  await until(() => page.url().includes('until='), 'the URL does not follow')
  const part = await real(`api/overview${new URL(page.url()).search}`)
  must(sums(part.classes) !== sums(month.classes), 'zooming changes nothing')
  await until(async () => await byClass(page) === sums(part.classes), `zoomed the chart says ${await byClass(page)}, the history ${sums(part.classes)}`)
})
await check('overview: alerts that gave way are said where they would have been', async (page) => {
  instead.set('/api/overview', async (url, r) => json(r, { ...await real(`api/overview${url.search}`), removed: 5, oldest: now - 2 * day }))
  await open(page, '?since=30d')
  await has(page, '5 older alerts gave way')
  await page.getByRole('link', { name: 'Hour' }).click()
  await until(async () => !(await text(page)).includes('gave way'), 'it is said of the last hour')
})
await check('overview: the share of traffic is of the last hour', async (page) => {
  daemon.services = [{ name: 'tls', bytes: 3000, flows: 2 }, { name: 'dns', bytes: 1000, flows: 9 }]
  await open(page, '')
  await has(page, 'last hour')
  await until(async () => /tls 75 %.*dns 25 %/.test(await bars(page, 'Share of traffic by service')), 'the shares are others')
  daemon.services = []
})
await check('host: what is remembered, suspicion, services and peers are what the history says', async (page) => {
  const { attackers, targets } = await real('api/overview?since=30d')
  let name, host
  for ({ name } of [...attackers, ...targets]) {
    host = await real(`api/host?addr=${name}`)
    if (host.services.length && host.peers.length) break
  }
  must(host.services.length && host.peers.length, 'the history has too little')
  await open(page, `host?addr=${name}&since=30d`)
  for (const [title, list] of [['Services in its alerts', host.services], ['Peers in its alerts', host.peers]])
    for (const one of list.slice(0, 8)) await until(async () => (await bars(page, title)).includes(`${one.name} ${many(one.count, 'flow')}`), `${title} lack ${one.name} with ${one.count}: ${await bars(page, title)}`)
  const { steps } = await real(`api/suspicion?host=${name}&since=30d`)
  const most = Math.max(...steps.flatMap((s) => [s.attacker, s.target]))
  await has(page, `${Math.round(100 * most)} %`)
  await until(() => page.evaluate((p) => [...document.querySelectorAll('.chart-box .unseen')].some((e) => e.textContent === `Surest: ${p} %`), (100 * most).toFixed(0)), 'the curve is another')
  must(await page.locator('.chart canvas').count() >= 1, 'nothing is drawn')
})
await check('model: calibration and drift', async (page) => {
  const answer = { ok: true, model: { id: '9bb84268', path: '/m.karma', kernel: 'avx2', sensitivity: 'normal' }, cards: [], profile: { path: '/p.karma', drifted: true },
    card: { features: ['a'], temperature: 1.2345, scores: { ece: 0.0321, rows: 10 }, attack: { slope: 1.5, offset: -0.25 }, thresholds: { 'fpr_1e-2': 0.617, 'fpr_1e-3': 0.914 } } }
  instead.set('/api/model', (_, r) => json(r, answer))
  await open(page, 'model')
  await has(page, 'The traffic has drifted away')
  const shown = await bars(page, 'Calibration')
  for (const figure of ['0.0321', '1.2345', '× 1.500 − 0.250', '61.7 %', '91.4 %']) must(shown.includes(figure), `no ${figure} in ${shown}`)
  answer.profile.drifted = false
  await page.reload()
  await has(page, 'The traffic is like what was learnt')
})
await browser.close()
server.closeAllConnections()
server.close()
