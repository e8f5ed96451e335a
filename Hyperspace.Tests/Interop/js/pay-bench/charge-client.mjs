// Calls a URL for so many seconds with so many calls at once by an unmodified mppx client, which pays what it is asked for.
// node charge-client.mjs URL SECONDS CONCURRENCY KEY TOKEN CHAIN_ID NAME VERSION METHOD BODY; prints {perSecond, p50Ms, p99Ms, paid}.
import { privateKeyToAccount } from 'viem/accounts'
import { Mppx } from 'mppx/client'
import { charge } from 'mppx/evm/client'

const [, , url, seconds, concurrency, key, token, chainId, name, version, method, body] = process.argv
const account = privateKeyToAccount(key)
const mppx = Mppx.create({
  methods: [charge({ account, currencies: [token], networks: [Number(chainId)], decimals: 6, authorization: { name, version } })],
  polyfill: false,
})
let paid = 0
const init = method === 'POST' ? { method, headers: { 'content-type': 'application/json' }, body } : {}
async function call() {
  const start = performance.now()
  const response = await mppx.fetch(url, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  if (response.headers.get('payment-receipt')) paid++
  return performance.now() - start
}
async function calls(milliseconds) {
  const end = performance.now() + milliseconds
  const times = []
  await Promise.all(Array.from({ length: Number(concurrency) }, async () => {
    while (performance.now() < end) times.push(await call())
  }))
  return times
}
// Both sides compile their hot code first.
await calls(4000)
paid = 0
const begin = performance.now()
const times = await calls(Number(seconds) * 1000)
const elapsed = (performance.now() - begin) / 1000
times.sort((a, b) => a - b)
console.log(JSON.stringify({ perSecond: times.length / elapsed, p50Ms: times[times.length >> 1], p99Ms: times[Math.floor(times.length * 0.99)], paid }))
