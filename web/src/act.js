// What a person does: each says what became of it, and asks for the token where that is missing.
import { post, setToken, token } from './api.js'
import { h, icon } from './dom.js'

export function toast(text, kind = '', undo) {
  const box = h('div', { class: `toast ${kind}` }, h('span', {}, text),
    undo && h('button', { type: 'button', class: 'link', onclick: () => { box.remove(); undo() } }, 'Undo'),
    h('button', { type: 'button', class: 'tool', 'aria-label': 'Close this message', onclick: () => box.remove() }, icon('close')))
  document.getElementById('toasts').append(box)
  setTimeout(() => box.remove(), kind === 'bad' ? 15000 : 7000)
}

let file = ''
export const setTokenFile = (path) => { file = path }

// A dialog that gives a token, or null.
export function askToken(why) {
  return new Promise((resolve) => {
    const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true })
    const dialog = h('dialog', { 'aria-labelledby': 'token-title' },
      h('form', { method: 'dialog' },
        h('h2', { id: 'token-title' }, 'The token, please'),
        h('p', {}, why ?? 'Looking is free on this machine; to act, show that you may.'),
        h('p', {}, 'This prints it: ', h('code', {}, `sudo cat ${file || '/var/lib/karma/web.token'}`)),
        h('label', { for: 'token' }, 'Token'), input,
        h('div', { class: 'row end' },
          h('button', { type: 'button', onclick: () => dialog.close('') }, 'Cancel'),
          h('button', { type: 'submit', class: 'main', value: 'ok' }, 'Unlock'))))
    dialog.addEventListener('close', () => {
      const text = dialog.returnValue === 'ok' ? input.value.trim() : ''
      dialog.remove()
      if (text) setToken(text)
      resolve(text || null)
    })
    document.body.append(dialog)
    dialog.showModal()
    input.focus()
  })
}

// Do it; said(answer) is what is said of it. True when it was done.
export async function act(path, body, said, undo) {
  for (let tries = 0; tries < 2; tries++) {
    try {
      if (!token() && !await askToken()) return false
      const answer = await post(path, body)
      toast(typeof said === 'function' ? said(answer) : said, 'good', undo)
      return true
    } catch (error) {
      if (error.status !== 401 || tries) {
        toast(error.message, 'bad')
        return false
      }
      setToken('')
      if (!await askToken('That token was not the right one, or it has changed.')) return false
    }
  }
  return false
}

export const times = [[600, '10 minutes'], [3600, '1 hour'], [86400, '1 day'], [604800, '1 week'], [2592000, '30 days']]

export const timeText = (s) => times.find(([t]) => t === s)?.[1] ?? `${s} s`

// A button and for how long.
export function timed(text, preset, call) {
  const choice = h('select', { 'aria-label': `${text}: for how long` },
    times.map(([s, name]) => h('option', { value: s }, name)))
  choice.value = preset
  return h('span', { class: 'timed' },
    h('button', { type: 'button', onclick: (e) => once(e.currentTarget, () => call(Number(choice.value))) }, text),
    choice)
}

export async function once(button, call) {
  button.disabled = true
  try { await call() } finally { button.disabled = false }
}

export const button = (text, call, kind = '') => h('button', {
  type: 'button', class: kind, onclick: (e) => once(e.currentTarget, call),
}, text)
