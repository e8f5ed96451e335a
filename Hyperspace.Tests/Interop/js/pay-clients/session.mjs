// Opens a channel in the escrow and pays a stream with an unmodified mppx session client, then closes the channel.
// Reads one JSON request from stdin, answers with one JSON line.
//   {url, body, rpc, privateKey, chainId, token, escrow, payee, deposit}
import { sessionLegacyManager } from 'mppx/client'
import { createWalletClient, defineChain, http, parseAbi, publicActions } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const job = JSON.parse(Buffer.concat(chunks))
const account = privateKeyToAccount(job.privateKey)
const chain = defineChain({ id: job.chainId, name: 'local', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [job.rpc] } } })
const client = createWalletClient({ account, chain, transport: http(job.rpc), pollingInterval: 50 }).extend(publicActions)

// The client's own way to open sends a transaction type of Tempo's chain, which no other chain knows; its channel may be open before.
const abi = parseAbi([
  'function approve(address spender, uint256 value) returns (bool)',
  'function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner) returns (bytes32)',
])
const write = async (address, functionName, args) => {
  const { request, result } = await client.simulateContract({ account, address, abi, functionName, args })
  await client.waitForTransactionReceipt({ hash: await client.writeContract(request) })
  return result
}
const deposit = BigInt(job.deposit)
await write(job.token, 'approve', [job.escrow, deposit])
const channelId = await write(job.escrow, 'open', [job.payee, job.token, deposit, generatePrivateKey(), '0x0000000000000000000000000000000000000000'])

let posts = 0
const session = sessionLegacyManager({
  account,
  client,
  escrowContract: job.escrow,
  maxDeposit: '1',
  fetch: (input, init) => { if (init?.method === 'POST' && !init.body) posts++; return fetch(input, init) },
})
const tokens = []
let receipt
const stream = await session.sse(job.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: job.body, context: { channelId }, onReceipt: (r) => { receipt = r } })
for await (const token of stream) tokens.push(token)
const close = await session.close()
console.log(JSON.stringify({ channelId, tokens, receipt, close, posts }))
