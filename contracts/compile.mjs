// Compiles src/ with the pinned solc into compiled/: {abi, bytecode} of each contract. With --check it writes nothing and
// fails when compiled/ differs from what src/ gives.
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import solc from 'solc'

const root = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(join(root, 'src')).filter(f => f.endsWith('.sol')).sort()
const input = {
  language: 'Solidity',
  sources: Object.fromEntries(files.map(f => [f, { content: readFileSync(join(root, 'src', f), 'utf8') }])),
  settings: {
    // Paris has no PUSH0: chains that lag behind run it too.
    evmVersion: 'paris',
    viaIR: true,
    optimizer: { enabled: true, runs: 10000 },
    // The bytes depend on the code alone, not on comments or paths.
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
}
const output = JSON.parse(solc.compile(JSON.stringify(input)))
for (const e of output.errors ?? []) console.error(e.formattedMessage)
if (output.errors?.length) process.exit(1)

let differs = false
for (const file of files) {
  const name = file.replace('.sol', '')
  const { abi, evm } = output.contracts[file][name]
  const text = JSON.stringify({ abi, bytecode: '0x' + evm.bytecode.object }, null, 1) + '\n'
  const path = join(root, 'compiled', name + '.json')
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`${name}: ${evm.bytecode.object.length / 2} bytes`)
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`compiled/${name}.json is not what src/${file} compiles to; run: dotnet fsi build.fsx -- contracts`)
    differs = true
  }
}
process.exit(differs ? 1 : 0)
