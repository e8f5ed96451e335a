// How long viem and ethers take to verify one voucher; argument: seconds each. Prints {"viemUs", "ethersUs"}.
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { verifyTypedData } from 'ethers'

const account = privateKeyToAccount('0x' + '11'.repeat(32))
const typed = {
  domain: { name: 'EVM Payment Channel', version: '1', chainId: 808080, verifyingContract: account.address },
  types: { Voucher: [{ name: 'channelId', type: 'bytes32' }, { name: 'cumulativeAmount', type: 'uint128' }] },
  primaryType: 'Voucher',
  message: { channelId: '0x' + '22'.repeat(32), cumulativeAmount: 1_000_000n },
}
const signature = await account.signTypedData(typed)
const viem = () => recoverTypedDataAddress({ ...typed, signature })
const ethers = () => verifyTypedData(typed.domain, typed.types, typed.message, signature)

async function microseconds(recover) {
  const verify = async () => {
    if (await recover() !== account.address) throw new Error('another address was recovered')
  }
  for (let i = 0; i < 200; i++) await verify()
  const start = performance.now()
  const end = start + Number(process.argv[2]) * 1000
  let count = 0
  for (; performance.now() < end; count++) await verify()
  return (performance.now() - start) * 1000 / count
}
console.log(JSON.stringify({ viemUs: await microseconds(viem), ethersUs: await microseconds(ethers) }))
