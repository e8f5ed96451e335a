// An unmodified x402 server (@x402/express) that sells /paid for 1000 units, with a facilitator in the same process that
// verifies and settles on chain.
import { createServer } from 'node:http'
import express from 'express'
import { paymentMiddleware, x402ResourceServer } from '@x402/express'
import { x402Facilitator } from '@x402/core/facilitator'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as FacilitatorScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { account, listening, terms, wallet } from './chain.mjs'

const network = `eip155:${terms.chainId}`
const facilitator = new x402Facilitator().register(network, new FacilitatorScheme(toFacilitatorEvmSigner({ ...wallet, address: account.address })))
const resources = new x402ResourceServer({
  verify: (payload, requirements) => facilitator.verify(payload, requirements),
  settle: (payload, requirements) => facilitator.settle(payload, requirements),
  getSupported: async () => facilitator.getSupported(),
}).register(network, new ExactEvmScheme())
const app = express()
app.use(paymentMiddleware({
  'GET /paid': {
    accepts: {
      scheme: 'exact', network, payTo: terms.recipient, maxTimeoutSeconds: 120,
      price: { amount: '1000', asset: terms.token, extra: { name: terms.name, version: terms.version } },
    },
    description: 'forty-two',
  },
}, resources))
app.get('/paid', (req, res) => res.send('42'))
const server = createServer(app)
listening(server)
server.listen(0, '127.0.0.1')
