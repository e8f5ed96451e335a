// Pays a URL as an unmodified client does. Reads one JSON request from stdin, answers with one JSON line.
//   {wire: "mppx" | "x402", url, body, privateKey, chainId, token, name, version, headers?}
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { evm, Mppx } from 'mppx/client'
import { privateKeyToAccount } from 'viem/accounts'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const job = JSON.parse(Buffer.concat(chunks))
const account = privateKeyToAccount(job.privateKey)

const clients = {
  mppx: () => Mppx.create({
    methods: [evm.charge({ account, authorization: { name: job.name, version: job.version }, networks: [job.chainId], currencies: [job.token] })],
    polyfill: false,
  }).fetch,
  x402: () => wrapFetchWithPayment(fetch, x402Client.fromConfig({
    schemes: [{ network: `eip155:${job.chainId}`, client: new ExactEvmScheme(account) }],
    spendControls: { allowedAssets: true },
  })),
}
const pay = clients[job.wire]()
const response = await pay(job.url, { method: 'POST', headers: { 'content-type': 'application/json', ...job.headers }, body: job.body })
console.log(JSON.stringify({
  status: response.status,
  body: await response.text(),
  receipt: response.headers.get('payment-receipt'),
  response: response.headers.get('payment-response'),
  payer: account.address.toLowerCase(),
}))
