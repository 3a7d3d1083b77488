// The script of test/integration/script-security.test.ts: tries everything it should not be able to do.
// Plain text, since it is bundled and run as a job's script is. Each row says what happened to one try.

/** Tries by name; `here` has what the test prepared. Each gives what it got hold of, or throws. */
export const probeScript = `
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { createRequire } from 'node:module'

const load = (name) => process.getBuiltinModule(name) ?? createRequire(import.meta.url)(name)
const settled = (start, ms = 2000) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('no answer')), ms).unref()
  start(resolve, reject)
})

const tries = (here, context) => ({
  'read a file outside': () => fs.readFileSync(here.secret, 'utf8'),
  'read a file outside by ..': () => fs.readFileSync(context.outputDirectory + '/../../../secret/secret.txt', 'utf8'),
  'read /etc/passwd': () => fs.readFileSync('/etc/passwd', 'utf8').slice(0, 4),
  'read the input of another job': () => fs.readFileSync(here.otherItem, 'utf8'),
  'list the folder of the agent': () => fs.readdirSync(here.home),
  'learn whether a file exists': () => { if (!fs.existsSync(here.secret)) throw new Error('not seen') },
  'write a file outside': () => fs.writeFileSync(here.target, 'x'),
  'write beside the script': () => fs.writeFileSync(path.join(here.placed, 'new.txt'), 'x'),
  'change the script': () => fs.appendFileSync(new URL(import.meta.url), ' '),
  'write into /tmp': () => { fs.writeFileSync(here.temp, 'x') },
  'make a link that leads outside': () => { fs.symlinkSync(here.secret, context.outputDirectory + '/link'); return fs.readFileSync(context.outputDirectory + '/link', 'utf8') },
  'make a hard link to a file outside': () => fs.linkSync(here.secret, context.outputDirectory + '/hard'),
  'follow a link that lies in the bundle': () => fs.readFileSync(path.join(here.placed, 'leads-out.txt'), 'utf8'),
  'follow a link in the output folder': () => fs.readFileSync(path.join(context.outputDirectory, 'planted'), 'utf8'),
  'connect by TCP': () => settled((done, fail) => load('node:net').connect(here.port, '127.0.0.1').on('connect', done).on('error', fail)),
  'listen on TCP': () => settled((done, fail) => load('node:net').createServer().on('error', fail).listen(0, '127.0.0.1', done)),
  'send by UDP': () => settled((done, fail) => { const s = load('node:dgram').createSocket('udp4'); s.on('error', fail); s.send('x', here.udpPort, '127.0.0.1', (e) => e ? fail(e) : done()) }),
  'connect to a unix socket': () => settled((done, fail) => load('node:net').connect(here.socket).on('connect', done).on('error', fail)),
  'fetch': async () => (await fetch('http://127.0.0.1:' + here.port)).status,
  'ask the name service': () => settled((done, fail) => load('node:dns').lookup('example.org', (e) => e ? fail(e) : done())),
  'spawn a process': () => { const r = load('node:child_process').spawnSync('/bin/echo', ['x']); if (r.error) throw r.error; return String(r.stdout) },
  'fork a process': () => settled((done, fail) => load('node:child_process').fork(new URL(import.meta.url)).on('spawn', done).on('error', fail)),
  'start a thread': () => settled((done, fail) => new (load('node:worker_threads').Worker)('0', { eval: true }).on('online', done).on('error', fail)),
  'load a native add-on': () => { process.dlopen({ exports: {} }, here.addon) },
  'call a foreign function': () => { load('node:ffi').dlopen('libc.so.6', {}) },
  'open SQLite': () => { new (load('node:sqlite').DatabaseSync)(here.target + '.db') },
  'use WASI': () => { new (load('node:wasi').WASI)({ version: 'preview1', preopens: { '/': '/' } }) },
  'use process.binding': () => process.binding('fs').internalModuleStat(here.secret),
  'open the inspector': () => { load('node:inspector').open(0); return load('node:inspector').url() ?? (() => { throw new Error('not open') })() },
  'write a heap snapshot': () => load('node:v8').writeHeapSnapshot(here.target + '.heap'),
  'write a report': () => { if (!process.report.writeReport(here.target + '.json')) throw new Error('none') ; fs.statSync(here.target + '.json') },
  'change the folder': () => process.chdir('/'),
  'see the environment of the agent': () => { if (process.env.SECRET_OF_OWNER === undefined && process.env.PATH === undefined && process.env.HOME === undefined) throw new Error('empty') },
  'read /proc/self/environ': () => { const text = fs.readFileSync('/proc/self/environ', 'utf8'); if (!/SECRET_OF_OWNER|PATH=|HOME=/.test(text)) throw new Error('nothing of the owner') },
  'read the environment of the agent in /proc': () => fs.readFileSync('/proc/' + here.pid + '/environ', 'utf8').slice(0, 4),
  'see processes of the owner': () => process.kill(here.victim, 0),
  'change the priority of a process of the owner': () => os.setPriority(here.victim, 15),
  // The last that is tried on it: afterwards it is gone.
  'kill a process of the owner': () => process.kill(here.victim, 'SIGTERM'),
  'kill its parent': () => { if (process.ppid <= 1) throw new Error('no parent to see'); process.kill(process.ppid, 0) },
  'raise its own priority': () => { const before = os.getPriority(); os.setPriority(before - 1); if (os.getPriority() >= before) throw new Error('unchanged') },
  'learn the name of the owner': () => { const { username } = os.userInfo(); if (!username) throw new Error('none') },
  'learn the name of the machine': () => { if (os.hostname() !== here.hostname) throw new Error('another name') },
  'make code from text': () => eval('1 + 1'),
  'run WebAssembly': () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) && 1,
  'read foreign file descriptors': () => { for (let fd = 4; fd < 40; fd++) { let s; try { s = fs.fstatSync(fd) } catch { continue } if (s.isFile()) { const b = Buffer.alloc(8); fs.readSync(fd, b, 0, 8, 0); return fd } } throw new Error('none') },
})

export const run = async (miniBatch, context) => {
  process.on('uncaughtException', () => {})
  const here = JSON.parse(context.environment.PROBE)
  const result = {}
  for (const [name, attempt] of Object.entries(tries(here, context))) {
    try {
      await attempt()
      result[name] = 'open'
    } catch (thrown) {
      result[name] = 'closed: ' + (thrown?.code ?? thrown?.message ?? thrown)
    }
  }
  // What lies there when run() returns is collected, and a link is refused.
  for (const name of fs.readdirSync(context.outputDirectory)) fs.rmSync(path.join(context.outputDirectory, name))
  return [...miniBatch].map(() => result)
}
`
