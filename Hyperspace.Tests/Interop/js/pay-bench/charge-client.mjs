// Calls a URL for so many seconds with so many calls at once by an unmodified mppx client, which pays what it is asked for.
// node charge-client.mjs URL SECONDS CONCURRENCY TOKEN CHAIN_ID [METHOD]; prints {perSecond, p50Ms, p99Ms, paid}.
import { randomBytes } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { Mppx } from 'mppx/client'
import { charge } from 'mppx/evm/client'

const [, , url, seconds, concurrency, token, chainId, method = 'GET'] = process.argv
const account = privateKeyToAccount('0x' + randomBytes(32).toString('hex'))
const mppx = Mppx.create({
  methods: [charge({ account, currencies: [token], networks: [Number(chainId)], decimals: 6, authorization: { name: 'Test Dollar', version: '1' } })],
  polyfill: false,
})
const times = []
let paid = 0
const init = method === 'POST' ? { method, headers: { 'content-type': 'application/json' }, body: '{}' } : {}
async function call() {
  const start = performance.now()
  const response = await mppx.fetch(url, init)
  const body = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${body}`)
  if (response.headers.get('payment-receipt')) paid++
  return performance.now() - start
}
for (let i = 0; i < 20; i++) await call()
paid = 0
const begin = performance.now()
const end = begin + Number(seconds) * 1000
await Promise.all(Array.from({ length: Number(concurrency) }, async () => {
  while (performance.now() < end) times.push(await call())
}))
const elapsed = (performance.now() - begin) / 1000
times.sort((a, b) => a - b)
console.log(JSON.stringify({ perSecond: times.length / elapsed, p50Ms: times[times.length >> 1], p99Ms: times[Math.floor(times.length * 0.99)], paid }))
