// What both servers need of the chain: an account with gas on it, and the terms of the token.
// Arguments: RPC_URL CHAIN_ID TOKEN RECIPIENT PRIVATE_KEY
import { createWalletClient, defineChain, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const [, , rpcUrl, chainId, token, recipient, privateKey] = process.argv
export const terms = { rpcUrl, chainId: Number(chainId), token, recipient, name: 'Test USD', version: '2' }
const chain = defineChain({ id: terms.chainId, name: 'local', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [rpcUrl] } } })
export const account = privateKeyToAccount(privateKey)
export const wallet = createWalletClient({ account, chain, transport: http(), pollingInterval: 20 }).extend(publicActions)

// Prints the port once the server listens.
export function listening(server) {
  server.on('listening', () => console.log(server.address().port))
}
