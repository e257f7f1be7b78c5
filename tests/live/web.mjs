// usage: node web.mjs FOLDER KARMA REAL-URL HOSTILE-URL ID ATTACKER OTHER-HOST SERVER RANGE
// The dashboard in Chromium, for tests/live/web.sh: prints "ok name" or "FAILED name: why". RANGE is
// what the names of the range's namespaces begin with; the attacker is its h1, the other host its h3.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

const require = createRequire(new URL('../../web/', import.meta.url))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const [folder, karma, real, hostile, id, attacker, other, server, range] = process.argv.slice(2)
const token = readFileSync(`${folder}/state/web.token`, 'utf8').trim()
const exec = promisify(execFile)
const run = async (...args) => (await exec(karma, args)).stdout
const listed = async () => JSON.parse(await run('block', 'list', '--json', '--socket', `${folder}/socket`))
const isListed = async (address) => (await listed()).entries.some((e) => e.what === address)
const story = async () => JSON.parse(await run('history', 'show', id, '--json'))
const on = (host, ...command) => exec('timeout', ['60', 'ip', 'netns', 'exec', `${range}-${host}`, ...command])

// Do its packets reach the server? That is the kernel's word.
const passes = (host) => on(host, 'ping', '-q', '-c', '1', '-W', '1', server).then(() => true, () => false)

async function check(name, call) {
  try {
    await call()
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`FAILED ${name}: ${String(error.message ?? error).replaceAll('\n', ' ').slice(0, 600)}`)
  }
}

function must(condition, why) {
  if (!condition) throw new Error(why)
}

async function until(call, why, seconds = 10) {
  for (const end = Date.now() + seconds * 1000; ;) {
    if (await call()) return
    if (Date.now() > end) throw new Error(why)
    await new Promise((done) => setTimeout(done, 50))
  }
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const trouble = []
const elsewhere = []

async function open(width, scheme, base = real, bypassCSP = false) {
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 780 : 1000 }, colorScheme: scheme, reducedMotion: 'reduce', bypassCSP })
  const page = await context.newPage()
  page.setDefaultTimeout(25000)
  const expected = base === hostile ? /401|409|400|Bad Request/ : /401|409/
  page.on('console', (m) => m.type() === 'error' && !expected.test(m.text()) && trouble.push(`${page.url()}: ${m.text()}`))
  page.on('pageerror', (e) => trouble.push(`${page.url()}: ${e.message}`))
  page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('blob:') && elsewhere.push(r.url()))
  await page.addInitScript(() => {
    window.shifts = 0
    window.shown = new Promise((done) => document.addEventListener('DOMContentLoaded', () => {
      const look = () => document.querySelector('.verdict:not([data-kind="waiting"])') && done(performance.now())
      new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true })
    }))
    new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) window.shifts += e.value }))
      .observe({ type: 'layout-shift', buffered: true })
  })
  return page
}

const pages = ['/', '/alerts', `/alert?id=${id}`, `/host?addr=${attacker}`, '/blocks', '/model', '/system']
const ready = (page) => page.waitForFunction(() => document.querySelector('.state')?.dataset.state === 'live' && !document.querySelector('.waiting-page') && !/Reading/.test(document.body.innerText))

// What is wider than the page, and what can be pressed and lies on something else that can be.
const layout = () => {
  const found = []
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
  if (wide > 0) found.push(`${wide} px wider than the page`)
  const seen = [...document.querySelectorAll('main a, main button, main select, main input, header a, header button')]
    .filter((el) => el.checkVisibility() && !el.closest('.scroll, .long, .unseen'))
    .map((el) => [el, el.getBoundingClientRect()]).filter(([, r]) => r.width && r.height)
  const bar = (el) => Boolean(el.closest('header'))
  for (let i = 0; i < seen.length; i++)
    for (let j = i + 1; j < seen.length; j++) {
      const [a, p] = seen[i], [b, q] = seen[j]
      if (a.contains(b) || b.contains(a) || bar(a) !== bar(b)) continue
      const w = Math.min(p.right, q.right) - Math.max(p.left, q.left), h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top)
      if (w > 1.5 && h > 1.5) found.push(`"${a.textContent}" lies on "${b.textContent}"`)
    }
  for (const el of document.querySelectorAll('dd, dt, td, p, .cell'))
    if (el.checkVisibility() && el.clientWidth && el.clientWidth < 48 && el.clientHeight > 3 * parseFloat(getComputedStyle(el).fontSize) * 1.5) found.push(`"${el.textContent}" is squeezed`)
  for (const el of document.querySelectorAll('main h1, main h2, .tile-value, nav a')) {
    if (el.checkVisibility() && el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== 'inline') found.push(`"${el.textContent}" is cut off`)
  }
  return found
}

// What axe-core finds that is serious; it runs in the page, past the policy for content.
async function serious(page) {
  await page.evaluate(axe)
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return result.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join('; ')}`)
}

// ---- first view, size ----

// When there is something to see, and when the first figures are there: milliseconds from the
// beginning of the navigation.
const view = async (page) => {
  const shown = await page.evaluate(() => window.shown)
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length)
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  return `${Math.round(paint)} ms, with figures after ${Math.round(shown)} ms`
}
const page = await open(1280, 'light')
await check('the first view is whole, small, and does not jump', async () => {
  const bare = await (await browser.newContext()).newPage() // it may miss an icon
  await bare.goto(`${real}metrics`) // what a browser that is new takes for anything
  await bare.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length)
  const nothing = await bare.evaluate(() => Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime))
  await bare.context().close()
  await page.goto(real)
  await ready(page)
  const first = await view(page)
  await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {}) // what comes late moves nothing
  const { files, requests, shifts } = await page.evaluate(() => ({
    requests: 1 + performance.getEntriesByType('resource').length,
    files: performance.getEntriesByType('resource').filter((r) => /karma.js|style.css|icon.svg/.test(r.name)).reduce((a, r) => a + r.transferSize, 0) + performance.getEntriesByType('navigation')[0].transferSize, shifts: window.shifts }))
  await page.reload()
  await ready(page)
  console.log(`first view after ${first} (plain text in the browser just started: ${nothing} ms); again after ${await view(page)}; ${(files / 1000).toFixed(0)} kB, layout shift ${shifts.toFixed(3)}`)
  must(files > 1000 && files < 66000, `${files} bytes`) // with their heads
  must(requests <= 8, `${requests} requests`) // page, script, sheet, icon, three answers and the stream
  must(shifts < 0.05, `layout shift ${shifts}`)
})
await check('it shows what goes on', async () => {
  await until(() => page.evaluate(() => /attack is|attacks are|All is well|wrong|reserve/.test(document.querySelector('h1').textContent)), 'no verdict')
  const text = await page.evaluate(() => document.querySelector('main').innerText)
  must(text.includes(attacker), 'the attacker is not on the overview')
  must(await page.locator('.chart canvas').count() === 2, 'no charts')
})

// ---- many alerts; what follows goes on at the same time, this does not ----

await check('100,000 alerts: few rows in the page, the last ones are reached', async () => {
  const p = await open(1280, 'dark', hostile)
  await p.goto(`${hostile}alerts`)
  await p.waitForSelector('.row-link')
  await until(() => p.evaluate(() => /100,0\d\d alerts/.test(document.querySelector('.count').textContent)), 'not all are counted')
  const frames = await p.evaluate(async () => {
    const port = document.querySelector('.long')
    const gaps = []
    let last = performance.now()
    for (let i = 0; i < 60; i++) {
      port.scrollTop += port.scrollHeight / 61
      await new Promise((done) => requestAnimationFrame(done))
      gaps.push(performance.now() - last)
      last = performance.now()
    }
    gaps.sort((a, b) => a - b)
    return gaps
  })
  console.log(`scrolling: a frame takes ${frames[30].toFixed(0)} ms in the middle, ${frames[57].toFixed(0)} ms at 95 %`)
  must(await p.locator('.long-body .long-row').count() < 80, 'all rows are in the page')
  await p.locator('.long').focus()
  await p.keyboard.press('End')
  await until(() => p.evaluate(() => document.activeElement.closest('[aria-rowindex]')?.ariaRowIndex > 100000), 'the last row is not reached', 15)
  await p.getByRole('button', { name: /^Sure/ }).click()
  await until(() => p.evaluate(() => document.querySelector('[aria-rowindex="2"] .c-sure')?.textContent === '100 %'), 'not sorted by confidence', 15)
  await p.context().close()
})

// ---- every page, light and dark, from a telephone to 4K ----

// The colours move nothing, so each width has one of them.
async function layouts(width, scheme, thorough) {
  const p = await open(width, scheme, real, thorough)
  const bad = [], found = []
  await check(`every page is laid out well, ${scheme}, ${width} px`, async () => {
    for (const path of pages) {
      await p.goto(real + path.slice(1))
      await ready(p)
      await p.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      bad.push(...(await p.evaluate(layout)).map((t) => `${path}: ${t}`))
      const shifts = await p.evaluate(() => window.shifts)
      if (shifts > 0.1) bad.push(`${path}: layout shift ${shifts.toFixed(2)}`)
      if (process.env.SHOTS) await p.screenshot({ path: `${process.env.SHOTS}/${/[a-z]+/.exec(path) ?? 'overview'}-${width}-${scheme}.png`, fullPage: true })
      if (thorough) found.push(...(await serious(p)).map((t) => `${path}: ${t}`))
    }
    must(!bad.length, bad.slice(0, 6).join('; '))
  })
  if (thorough) await check(`axe-core finds nothing serious, ${scheme}, ${width} px`, () => must(!found.length, found.join(' | ')))
  await p.context().close()
}

async function texts() {
await check('text from the network stays text', async () => {
  const p = await open(1280, 'light', hostile)
  const list = await (await fetch(`${hostile}api/alerts?text=script&limit=3`)).json()
  must(list.alerts.length === 3, 'the hostile alerts are missing')
  for (const path of ['', 'alerts?text=script', ...list.alerts.map((a) => `alert?id=${a.id}`), `host?addr=${list.alerts[0].who}`, `alerts?class=${encodeURIComponent('<img src=x>')}&host=<script>`, 'host?addr=<script>']) {
    await p.goto(hostile + path)
    await ready(p)
    await p.waitForTimeout(300)
    const state = await p.evaluate(() => [document.title, document.scripts.length, document.querySelectorAll('main img, main iframe, main script').length])
    must(!state[0].includes('taken') && state[1] === 1 && state[2] === 0, `${path}: ${state}`)
  }
  must((await p.evaluate(() => document.querySelector('main').innerText)).includes('<script>'), 'it is not shown as it is')
  await p.context().close()
})
}

// With axe-core where a policy for content is not in its way.
const beside = Promise.all([
  layouts(360, 'dark', true).then(() => layouts(3840, 'light', false)).then(texts),
  layouts(1280, 'light', true)])

// ---- keyboard ----

await check('the keyboard is enough: skip link, rows, Enter', async () => {
  await page.goto(real + 'alerts')
  await ready(page)
  await page.waitForSelector('.row-link')
  await page.keyboard.press('Tab')
  must(await page.evaluate(() => document.activeElement.className === 'skip'), 'the skip link is not first')
  await page.locator('.long').focus()
  await page.keyboard.press('Home')
  must(await page.evaluate(() => document.activeElement.className === 'row-link'), 'no row has the focus')
  await page.keyboard.press('Enter')
  await until(() => page.url().includes('/alert?id='), 'Enter does not open the alert')
  await page.goBack()
  await until(() => new URL(page.url()).pathname === '/alerts', 'there is no way back')
})
await check('the URL is the state', async () => {
  await page.goto(`${real}alerts?host=${attacker}&class=Reconnaissance&sort=confidence&way=up`)
  await page.waitForSelector('.row-link')
  must(await page.inputValue('#f-host') === attacker && await page.inputValue('#f-class') === 'Reconnaissance', 'the filters are not those of the URL')
  await page.selectOption('#f-class', 'Worms')
  await until(() => page.url().includes('class=Worms'), 'the URL does not follow')
  await page.waitForSelector('.empty')
})

// ---- what a person does ----

const press = (name, exact = true) => page.getByRole('button', { name, exact }).first().click()
const said = (text) => page.locator('.toast').getByText(text).last().waitFor()
// Is what a new scan makes an alert of told as muted?
const alertsOf = (host) => readFileSync(`${folder}/eve.json`, 'utf8').split('\n')
  .filter((l) => l.includes('"event_type": "alert"') || l.includes('"event_type":"alert"')).map((l) => JSON.parse(l)).filter((e) => e.src_ip === host)
let port = 1000
const block = (...args) => run('block', ...args, '--socket', `${folder}/socket`).catch(() => '')
// An alert that goes on is told of again when it has grown a lot, and when it ends, after a quiet minute.
async function isMuted(want) {
  const before = alertsOf(attacker).length
  await on('h1', 'nmap', '-n', '-Pn', '-sS', '--max-retries', '1', '-p', `${port}-${port += 300}`, server)
  await until(() => alertsOf(attacker).length > before, 'no line of an alert', 100)
  const last = alertsOf(attacker).at(-1)
  must(Boolean(last.karma.muted) === want, `it is told ${last.karma.muted ? '' : 'not '}as muted`)
}

await check('acting asks for the token, and does not take a wrong one', async () => {
  await page.goto(`${real}alert?id=${id}`)
  await press('Acknowledge')
  await page.fill('#token', 'f'.repeat(64))
  await press('Unlock')
  await page.getByText('was not the right one').waitFor()
  must((await story()).karma.mark === undefined, 'it is marked')
  await page.fill('#token', token)
  await press('Unlock')
  await page.locator('.toast.good').waitFor()
})
await check('an alert is acknowledged, and that can be undone', async () => {
  must((await story()).karma.mark === 'ack', 'no mark in the history')
  await press('Undo')
  await until(async () => (await story()).karma.mark === undefined, 'the mark stays')
})
await check('an alert is marked as a false alarm, and that can be undone', async () => {
  await press('False alarm')
  await until(async () => (await story()).karma.mark === 'false', 'no mark in the history')
  await press('No false alarm')
  await until(async () => (await story()).karma.mark === undefined, 'the mark stays')
  await press('False alarm')
  await until(async () => (await story()).karma.mark === 'false', 'no mark in the history')
})
await check('its flows and its packets can be taken away', async () => {
  const [flows] = await Promise.all([page.waitForEvent('download'), press(/Flows/)])
  must(/^flow_id,start/.test(readFileSync(await flows.path(), 'utf8')), 'no CSV')
  const [packets] = await Promise.all([page.waitForEvent('download'), press(/Packets/)])
  must([0xa1b2c3d4, 0xa1b23c4d].includes(readFileSync(await packets.path()).readUInt32LE(0)), 'no capture')
})
// It was blocked by its alert, and would be again.
await block('del', attacker)
await block('allow', attacker)
await check('an alert is muted: what the attacker does next is told nobody', async () => {
  await press('Mute')
  await until(async () => (await run('history', 'mutes')).includes(attacker), 'no mute in the history')
  await new Promise((done) => setTimeout(done, 1100)) // once a second the daemon looks
  await isMuted(true)
})
await check('and unmuted: it is told again', async () => {
  await page.goto(`${real}host?addr=${attacker}`)
  await press('Unmute')
  await until(async () => !(await run('history', 'mutes')).includes(attacker), 'the mute stays')
  await new Promise((done) => setTimeout(done, 1100))
  await isMuted(false)
})
await block('disallow', attacker)
await check('a host is muted and unmuted on its page, and in the list of mutes', async () => {
  await press('Mute')
  await until(async () => (await run('history', 'mutes')).includes(attacker), 'no mute in the history')
  await page.goto(`${real}blocks`)
  await press(`Unmute ${attacker}`)
  await until(async () => !(await run('history', 'mutes')).includes(attacker), 'the mute stays')
})
await check('the attacker of an alert is blocked in the kernel, and the undo lets go of it', async () => {
  await page.goto(`${real}alert?id=${id}`)
  await block('del', attacker)
  await until(() => passes('h1'), 'its packets do not pass before')
  await press('Block')
  await until(() => isListed(attacker), 'it is not on the list')
  await until(async () => !await passes('h1'), 'its packets still pass')
  await page.locator('.toast', { hasText: 'is blocked' }).getByRole('button', { name: 'Undo' }).click()
  await until(async () => !await isListed(attacker), 'it stays on the list')
  await until(() => passes('h1'), 'its packets do not pass again')
})
await check('a host is blocked and let go of on its page', async () => {
  await page.goto(`${real}host?addr=${other}`)
  await press('Block')
  await until(async () => await isListed(other) && !await passes('h3'), 'its packets still pass')
  await press('Unblock')
  await until(async () => !await isListed(other) && await passes('h3'), 'its packets do not pass again')
})
await check('a host is blocked in the list, with time and by whom', async () => {
  await page.goto(`${real}blocks`)
  await page.fill('#b-address', other)
  await press('Block')
  await page.getByRole('link', { name: other }).waitFor()
  await until(async () => !await passes('h3'), 'its packets still pass')
  must(/a person/.test(await page.getByRole('row', { name: other }).innerText()), 'it is not said by whom')
})
await check('"Never block" lets a blocked host through, in the kernel', async () => {
  await page.fill('#b-address', other)
  await press('Never block')
  await until(() => passes('h3'), 'its packets do not pass')
  await press(`Off the allow list: ${other}`)
  await said('is off the allow list')
})
await check('off the allow list it can be blocked again, and let go of', async () => {
  await page.fill('#b-address', other)
  await press('Block')
  await until(async () => await isListed(other) && !await passes('h3'), 'its packets still pass')
  await press(`Unblock ${other}`)
  await until(async () => !await isListed(other) && await passes('h3'), 'its packets do not pass again')
})
await check('"Never block" of an alert keeps its attacker from being blocked, and the undo ends that', async () => {
  await page.goto(`${real}alert?id=${id}`)
  await press('Never block')
  await said('is on the allow list')
  await press('Block')
  await page.locator('.toast.bad', { hasText: 'allow list' }).waitFor()
  must(await passes('h1') && !await isListed(attacker), 'it is blocked all the same')
  await page.locator('.toast', { hasText: 'is on the allow list' }).getByRole('button', { name: 'Undo' }).click()
  await said('is off the allow list')
  await press('Block')
  await until(async () => await isListed(attacker) && !await passes('h1'), 'its packets still pass')
})

await beside
await check('no page complained', () => must(!trouble.length, trouble.slice(0, 5).join(' | ')))
await check('nothing was asked of anybody else', () => must(!elsewhere.length, elsewhere.join(' ')))
await browser.close()
