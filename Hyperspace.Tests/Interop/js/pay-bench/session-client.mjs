// Opens a channel in the escrow and pays one stream by an unmodified mppx session client, which signs a voucher for each token
// that it is asked to pay for. node session-client.mjs URL BODY RPC KEY CHAIN_ID TOKEN ESCROW PAYEE; prints {perSecond, tokens}.
import { sessionLegacyManager } from 'mppx/client'
import { createWalletClient, defineChain, http, parseAbi, publicActions } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const [, , url, body, rpc, key, chainId, token, escrow, payee] = process.argv
const account = privateKeyToAccount(key)
const chain = defineChain({ id: Number(chainId), name: 'local', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [rpc] } } })
const client = createWalletClient({ account, chain, transport: http(rpc), pollingInterval: 50 }).extend(publicActions)
const abi = parseAbi([
  'function approve(address spender, uint256 value) returns (bool)',
  'function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner) returns (bytes32)',
])
const write = async (address, functionName, args) => {
  const { request, result } = await client.simulateContract({ account, address, abi, functionName, args })
  await client.waitForTransactionReceipt({ hash: await client.writeContract(request) })
  return result
}
const deposit = 1_000_000n
await write(token, 'approve', [escrow, deposit])
const channelId = await write(escrow, 'open', [payee, token, deposit, generatePrivateKey(), '0x0000000000000000000000000000000000000000'])
const session = sessionLegacyManager({ account, client, escrowContract: escrow, maxDeposit: '1' })
const stream = await session.sse(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, context: { channelId } })
let tokens = 0
let warm
for await (const _ of stream) if (++tokens === 100) warm = performance.now()
console.log(JSON.stringify({ perSecond: (tokens - 100) * 1000 / (performance.now() - warm), tokens }))
