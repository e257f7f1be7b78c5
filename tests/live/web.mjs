// usage: node web.mjs FOLDER KARMA REAL-URL HOSTILE-URL ID ATTACKER OTHER-HOST
// The dashboard in Chromium, for tests/live/web.sh: prints "ok name" or "FAILED name: why".
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../web/', import.meta.url))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const [folder, karma, real, hostile, id, attacker, other] = process.argv.slice(2)
const token = readFileSync(`${folder}/state/web.token`, 'utf8').trim()
const run = (...args) => execFileSync(karma, args, { encoding: 'utf8', env: process.env })
const listed = () => run('block', 'list', '--json', '--socket', `${folder}/socket`)
const story = () => JSON.parse(run('history', 'show', id, '--json'))

let current = ''
async function check(name, call) {
  current = name
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
  for (let tries = 0; tries < seconds * 10; tries++) {
    if (await call()) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(why)
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const trouble = []
const elsewhere = []

async function open(width, scheme, base = real, bypassCSP = false) {
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 780 : 1000 }, colorScheme: scheme, reducedMotion: 'reduce', bypassCSP })
  const page = await context.newPage()
  page.setDefaultTimeout(25000)
  page.on('console', (m) => m.type() === 'error' && !/401|409/.test(m.text()) && trouble.push(`${current}: ${m.text()}`))
  page.on('pageerror', (e) => trouble.push(`${current}: ${e.message}`))
  page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('blob:') && elsewhere.push(r.url()))
  await page.addInitScript(() => {
    window.shifts = 0
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

const page = await open(1280, 'light')
await check('the first view is whole, small, and does not jump', async () => {
  const sizes = []
  page.on('response', async (r) => { sizes.push(Number((await r.allHeaders())['content-length'] ?? 0)) })
  await page.goto(real)
  await ready(page)
  await page.waitForTimeout(1500)
  const view = await page.evaluate(() => ({ paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    files: performance.getEntriesByType('resource').filter((r) => /karma.js|style.css|icon.svg/.test(r.name)).reduce((a, r) => a + r.transferSize, 0) + performance.getEntriesByType('navigation')[0].transferSize, shifts: window.shifts }))
  await page.reload()
  await ready(page)
  const again = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  console.log(`first view after ${Math.round(view.paint)} ms in a new browser, ${Math.round(again)} ms in one that runs, ${(view.files / 1000).toFixed(0)} kB, layout shift ${view.shifts.toFixed(3)}`)
  must(view.files > 1000 && view.files < 300000, `${view.files} bytes`)
  must(view.shifts < 0.05, `layout shift ${view.shifts}`)
})
await check('it shows what goes on', async () => {
  await until(() => page.evaluate(() => /attack is|attacks are|All is well|wrong|reserve/.test(document.querySelector('h1').textContent)), 'no verdict')
  const text = await page.evaluate(() => document.querySelector('main').innerText)
  must(text.includes(attacker), 'the attacker is not on the overview')
  must(await page.locator('.chart canvas').count() === 2, 'no charts')
})

// ---- every page, light and dark, from a telephone to 4K ----

// [width, colours, with axe-core]; the colours move nothing.
for (const [width, scheme, thorough] of [[360, 'dark', true], [1280, 'light', true], [3840, 'light', false]]) {
  const p = await open(width, scheme, real, thorough)
  const bad = [], found = []
  await check(`every page is laid out well, ${scheme}, ${width} px`, async () => {
    for (const path of pages) {
      await p.goto(real + path.slice(1))
      await ready(p)
      await p.waitForTimeout(100)
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

await check('acting asks for the token, and does not take a wrong one', async () => {
  await page.goto(`${real}alert?id=${id}`)
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click()
  await page.fill('#token', 'f'.repeat(64))
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await page.getByText('was not the right one').waitFor()
  must(story().karma.mark === undefined, 'it is marked')
  await page.fill('#token', token)
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await page.locator('.toast.good').waitFor()
})
await check('an alert is acknowledged, and that can be undone', async () => {
  must(story().karma.mark === 'ack', 'no mark in the history')
  await page.getByRole('button', { name: 'Undo' }).first().click()
  await until(() => story().karma.mark === undefined, 'the mark stays')
})
await check('an alert is marked as a false alarm', async () => {
  await page.getByRole('button', { name: 'False alarm', exact: true }).click()
  await until(() => story().karma.mark === 'false', 'no mark in the history')
})
await check('an alert is muted', async () => {
  await page.getByRole('button', { name: 'Mute', exact: true }).click()
  await until(() => run('history', 'mutes').includes(attacker), 'no mute in the history')
})
await check('its flows and its packets can be taken away', async () => {
  const [flows] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Flows/ }).click()])
  must(/^flow_id,start/.test(readFileSync(await flows.path(), 'utf8')), 'no CSV')
  const [packets] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Packets/ }).click()])
  must([0xa1b2c3d4, 0xa1b23c4d].includes(readFileSync(await packets.path()).readUInt32LE(0)), 'no capture')
})
await check('a host is blocked, in the kernel', async () => {
  await page.goto(`${real}blocks`)
  await page.fill('#b-address', other)
  await page.getByRole('button', { name: 'Block', exact: true }).click()
  await until(() => listed().includes(`"${other}"`), 'it is not on the list')
  await page.getByRole('link', { name: other }).waitFor()
  console.log(`blocked ${other}`)
  await until(() => { try { readFileSync(`${folder}/cut-off`); return true } catch { return false } }, 'its packets still pass', 20)
})
await check('and let go of', async () => {
  await page.getByRole('button', { name: `Unblock ${other}`, exact: true }).click()
  await until(() => !listed().includes(`"${other}"`), 'it stays on the list')
})
await check('an address is put on the allow list, and taken off', async () => {
  await page.fill('#b-address', '198.51.100.7')
  await page.getByRole('button', { name: 'Never block' }).click()
  await page.getByRole('button', { name: 'Off the allow list: 198.51.100.7' }).click({ timeout: 8000 })
  await page.getByText('198.51.100.7 is off the allow list').waitFor()
})

// ---- text of others, many alerts ----

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
trouble.splice(0, trouble.length, ...trouble.filter((t) => !/text from the network.*(400|Bad Request)/.test(t)))
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

await check('no page complained', () => must(!trouble.length, trouble.slice(0, 5).join(' | ')))
await check('nothing was asked of anybody else', () => must(!elsewhere.length, elsewhere.join(' ')))
await browser.close()
