// Asking the server. The token is kept for this browser, goes out in a header, and is no part of an
// address; "#token=..." brings it, once.
const place = 'karma-token'

export function token() {
  try { return localStorage.getItem(place) ?? '' } catch { return '' }
}

export function setToken(text) {
  try { text ? localStorage.setItem(place, text) : localStorage.removeItem(place) } catch { /* not kept */ }
}

const brought = /^#token=([0-9a-f]{64})$/.exec(location.hash)
if (brought) {
  setToken(brought[1])
  history.replaceState(null, '', location.pathname + location.search)
}

export class Refusal extends Error {
  constructor(status, text) {
    super(text)
    this.status = status
  }
}

const headers = () => token() ? { Authorization: `Bearer ${token()}` } : {}

async function answerOf(response) {
  const answer = await response.json().catch((error) => { if (response.ok) throw error; return {} })
  if (!response.ok || answer.ok === false)
    throw new Refusal(response.status, answer.error ?? `the server answers ${response.status}`)
  return answer
}

export function query(params) {
  const p = new URLSearchParams()
  for (const [key, value] of Object.entries(params))
    if (value !== '' && value != null) p.set(key, value)
  const text = p.toString()
  return text ? `?${text}` : ''
}

// A signal that aborts once nothing was heard for so long; heard() begins anew.
const SILENCE = 35000 // ms: live events come each second, a sign of life each 15 s

function watchdog() {
  const control = new AbortController()
  const bark = () => control.abort(new Error('Karma has said nothing for 35 s'))
  let timer = setTimeout(bark, SILENCE)
  return {
    signal: control.signal,
    heard() { clearTimeout(timer); timer = setTimeout(bark, SILENCE) },
    end() { clearTimeout(timer) },
  }
}

export async function ask(path, params = {}) {
  const dog = watchdog()
  try {
    return await answerOf(await fetch(`/api/${path}${query(params)}`, { headers: headers(), signal: dog.signal }))
  } finally {
    dog.end()
  }
}

export async function post(path, body) {
  return answerOf(await fetch(`/api/${path}`, {
    method: 'POST', headers: { ...headers(), 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  }))
}

export async function download(path, params, name) {
  const response = await fetch(`/api/${path}${query(params)}`, { headers: headers() })
  if (!response.ok) await answerOf(response)
  const url = URL.createObjectURL(await response.blob())
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10000)
}

// Server-sent events by fetch, which can carry the token: calls event(name, data) until it ends.
// Where nothing comes any more, not even a sign of life, it throws.
export async function listen(event) {
  const dog = watchdog()
  try {
    const response = await fetch('/api/events', { headers: headers(), signal: dog.signal })
    if (!response.ok) await answerOf(response)
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      dog.heard()
      text += value
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const name = /^event: (.*)$/m.exec(text.slice(0, end))
        const data = /^data: (.*)$/m.exec(text.slice(0, end))
        if (name && data) event(name[1], JSON.parse(data[1]))
      }
    }
  } finally {
    dog.end()
  }
}
