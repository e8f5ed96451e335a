// An unmodified mppx server that sells GET /paid by evm/charge and gives GET /free away. It takes a credential's word for
// settlement, as ours does until a threshold, and keeps nothing on disk. Prints its port.
import { createServer } from 'node:http'
import { Mppx, Request } from 'mppx/server'
import { charge } from 'mppx/evm/server'

const [, , token, recipient, chainId] = process.argv
const mppx = Mppx.create({
  methods: [charge({
    currency: token, recipient, chainId: Number(chainId), decimals: 6, authorization: { name: 'Test USD', version: '2' },
    settle: async ({ payload }) => ({ reference: payload.nonce }),
  })],
  secretKey: 'b'.repeat(64),
})
const server = createServer(async (req, res) => {
  if (req.url === '/free') return res.end('42')
  const answer = await mppx.charge({ amount: '0.001' })(Request.fromNodeListener(req, res))
  const response = answer.status === 402 ? answer.challenge : answer.withReceipt(new Response('42'))
  res.writeHead(response.status, Object.fromEntries(response.headers))
  res.end(Buffer.from(await response.arrayBuffer()))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
