// How long viem takes to verify one voucher; argument: seconds. Prints {"verifyUs"}.
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const account = privateKeyToAccount('0x' + '11'.repeat(32))
const typed = {
  domain: { name: 'EVM Payment Channel', version: '1', chainId: 808080, verifyingContract: account.address },
  types: { Voucher: [{ name: 'channelId', type: 'bytes32' }, { name: 'cumulativeAmount', type: 'uint128' }] },
  primaryType: 'Voucher',
  message: { channelId: '0x' + '22'.repeat(32), cumulativeAmount: 1_000_000n },
}
const signature = await account.signTypedData(typed)
const verify = async () => {
  if (await recoverTypedDataAddress({ ...typed, signature }) !== account.address) throw new Error('viem recovered another address')
}
for (let i = 0; i < 200; i++) await verify()
const end = performance.now() + Number(process.argv[2]) * 1000
const start = performance.now()
let count = 0
for (; performance.now() < end; count++) await verify()
console.log(JSON.stringify({ verifyUs: (performance.now() - start) * 1000 / count }))
