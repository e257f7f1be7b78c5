// usage: node build.mjs OUT.c
// Makes one script of the modules in src/ (those that main.js reaches, each once, in the order in
// which they need one another), deflates it and the other files, and writes them as a file of C.
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const read = (path) => readFileSync(join(here, path), 'utf8')

// Each module becomes a function that is called once and returns what it exports. Imports are of
// names in braces, exports stand before what they export, and no two modules need each other.
function bundle(entry) {
  const place = (name) => `module_${name.replace(/\W/g, '_')}`
  const seen = new Set()
  const parts = []
  const add = (name) => {
    if (seen.has(name)) return
    seen.add(name)
    if (name === 'uplot') {
      const text = read('node_modules/uplot/dist/uPlot.iife.min.js')
      parts.push(`const ${place(name)} = (() => {\n${text}\nreturn { uPlot }\n})()`)
      return
    }
    let text = read(join('src', name))
    text = text.replace(/^import\s+(\{[^}]*\})\s+from\s+'([^']+)'\n/gm, (_, names, from) => {
      const file = from.replace(/^\.\//, '')
      add(file)
      return `const ${names.replace(/ as /g, ': ')} = ${place(file)}\n`
    })
    if (/^import\b/m.test(text)) throw new Error(`${name}: an import that is not understood`)
    const names = [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map((m) => m[1])
    text = text.replace(/^export /gm, '')
    parts.push(`// ---- ${name}\nconst ${place(name)} = (() => {\n${text}\nreturn { ${names.join(', ')} }\n})()`)
  }
  add(entry)
  return `'use strict'\n;(() => {\n${parts.join('\n')}\n})()\n`
}

const css = read('node_modules/uplot/dist/uPlot.min.css') + '\n' + read('src/style.css')
const tagOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16)
const parts = [
  ['/karma.js', 'text/javascript; charset=utf-8', bundle('main.js')],
  ['/style.css', 'text/css; charset=utf-8', css],
  ['/icon.svg', 'image/svg+xml', read('src/icon.svg')],
]
// The page names each file with its tag: such a one is kept by a browser and not asked for again.
const page = parts.reduce((text, [path, , part]) => text.replaceAll(`"${path}"`, `"${path}?v=${tagOf(part)}"`), read('src/index.html'))
const files = [['/', 'text/html; charset=utf-8', page], ...parts]

let c = '/* web/build.mjs made this of web/src/. */\n#include "web/assets.h"\n'
let table = ''
files.forEach(([path, type, text], i) => {
  const bytes = gzipSync(text, { level: 9 })
  bytes[9] = 255 // the system that deflated it is nobody's concern
  const tag = tagOf(text)
  c += `\nstatic const unsigned char file_${i}[] = {\n`
  for (let at = 0; at < bytes.length; at += 24) c += bytes.subarray(at, at + 24).join(',') + ',\n'
  c += '};\n'
  table += `\t{"${path}", "${type}", "\\"${tag}\\"", file_${i}, sizeof(file_${i})},\n`
})
c += `\nconst struct web_asset web_assets[] = {\n${table}};\n`
c += 'const size_t web_assets_count = sizeof(web_assets) / sizeof(web_assets[0]);\n'
const out = process.argv[2]
writeFileSync(out + '.part', c)
renameSync(out + '.part', out)
