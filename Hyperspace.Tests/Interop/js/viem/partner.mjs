// Reads one JSON request from stdin, answers with one JSON line. Vouchers and bindings by viem, Ed25519 by node.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { encodeAbiParameters, encodeFunctionData, getAddress, hashTypedData, keccak256, recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const bytes = (hex) => Buffer.from(hex.slice(2), 'hex')
const ed25519 = (raw) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })

// docs/protocol.md, "Signed bytes".
const varint = (n) => (n < 0x80 ? [n] : [(n & 0x7f) | 0x80, ...varint(n >> 7)])
const sized = (data) => Buffer.concat([Buffer.from(varint(data.length)), data])
const number = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b }

const operations = {
  async voucher({ privateKey, terms, cumulative, signature }) {
    const account = privateKeyToAccount(privateKey)
    const channelId = keccak256(encodeAbiParameters(
      ['address', 'address', 'address', 'bytes32', 'address', 'address', 'uint256'].map((type) => ({ type })),
      [terms.payer, terms.payee, terms.token, terms.salt, terms.authorizedSigner, terms.escrow, BigInt(terms.chainId)]))
    const typed = {
      domain: { name: 'EVM Payment Channel', version: '1', chainId: terms.chainId, verifyingContract: terms.escrow },
      types: { Voucher: [{ name: 'channelId', type: 'bytes32' }, { name: 'cumulativeAmount', type: 'uint128' }] },
      primaryType: 'Voucher',
      message: { channelId, cumulativeAmount: BigInt(cumulative) },
    }
    return {
      address: account.address.toLowerCase(),
      channelId,
      digest: hashTypedData(typed),
      signature: await account.signTypedData(typed),
      recovered: (await recoverTypedDataAddress({ ...typed, signature })).toLowerCase(),
    }
  },

  async binding({ peerId, publicKey, wallet, issuedMs, peerSignature, walletSignature }) {
    const signed = Buffer.concat([sized(Buffer.from('hyperspace-identity-binding:1')), sized(bytes(publicKey)), sized(bytes(wallet)), number(issuedMs)])
    const recovered = await recoverTypedDataAddress({
      domain: { name: 'Hyperspace Identity', version: '1' },
      types: { IdentityBinding: [{ name: 'peerId', type: 'string' }, { name: 'wallet', type: 'address' }, { name: 'issuedMs', type: 'uint64' }] },
      primaryType: 'IdentityBinding',
      message: { peerId, wallet, issuedMs: BigInt(issuedMs) },
      signature: walletSignature,
    })
    return { peerSigned: verify(null, signed, ed25519(bytes(publicKey).subarray(4)), bytes(peerSignature)), recovered: recovered.toLowerCase() }
  },

  async envelope({ version, type, payload, author, wallMs, counter, expiresMs, signature }) {
    const signed = Buffer.concat([
      sized(Buffer.from('hyperspace-envelope:1')), number(version), sized(Buffer.from(type)), sized(bytes(payload)), sized(bytes(author)),
      number(wallMs), number(counter), number(expiresMs),
    ])
    return { signed: verify(null, signed, ed25519(bytes(author).subarray(4)), bytes(signature)), id: createHash('sha256').update(signed).digest('hex') }
  },

  async chain({ privateKey, abi, calls, transactions, address }) {
    const account = privateKeyToAccount(privateKey)
    const big = (value) => (/^\d+$/.test(value) ? BigInt(value) : value)
    const raws = await Promise.all(transactions.map((t) => account.signTransaction({
      type: 'eip1559', chainId: t.chainId, nonce: t.nonce, gas: BigInt(t.gas), to: t.to ?? undefined, data: t.data,
      maxFeePerGas: BigInt(t.maxFee), maxPriorityFeePerGas: BigInt(t.priorityFee),
    })))
    return {
      calls: calls.map(({ name, args }) => encodeFunctionData({ abi, functionName: name, args: args.map(big) })),
      transactions: raws.map((raw) => ({ raw, hash: keccak256(raw) })),
      checksummed: getAddress(address),
    }
  },
}

let input = ''
for await (const chunk of process.stdin) input += chunk
const { operation, ...request } = JSON.parse(input)
process.stdout.write(JSON.stringify(await operations[operation](request)) + '\n')
