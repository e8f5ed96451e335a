// An unmodified mppx server that sells /paid by evm/charge for 0.001 and settles each payment on chain before it serves.
import { createServer } from 'node:http'
import { Mppx, Request } from 'mppx/server'
import { charge } from 'mppx/evm/server'
import { parseAbi } from 'viem'
import { listening, terms, wallet } from './chain.mjs'

const abi = parseAbi(['function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)'])
const mppx = Mppx.create({
  methods: [charge({
    currency: terms.token, recipient: terms.recipient, chainId: terms.chainId, decimals: 6, authorization: { name: terms.name, version: terms.version },
    settle: async ({ payload }) => {
      const hash = await wallet.writeContract({
        address: terms.token, abi, functionName: 'transferWithAuthorization',
        args: [payload.from, payload.to, BigInt(payload.value), BigInt(payload.validAfter), BigInt(payload.validBefore), payload.nonce, payload.signature],
      })
      const receipt = await wallet.waitForTransactionReceipt({ hash })
      if (receipt.status !== 'success') throw new Error('reverted')
      return { reference: hash }
    },
  })],
  secretKey: 'a'.repeat(64),
})
const server = createServer(async (req, res) => {
  try {
    const answer = await mppx.charge({ amount: '0.001', description: 'forty-two – “quoted”' })(Request.fromNodeListener(req, res))
    const response = answer.status === 402 ? answer.challenge : answer.withReceipt(new Response('42'))
    res.writeHead(response.status, Object.fromEntries(response.headers))
    res.end(Buffer.from(await response.arrayBuffer()))
  } catch (e) {
    res.writeHead(500)
    res.end(String(e))
  }
})
listening(server)
server.listen(0, '127.0.0.1')
