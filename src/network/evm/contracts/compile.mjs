// Compiles the contracts and writes them as C.
//   node compile.mjs FOLDER-WITH-SOLC OUTPUT
// Same sources and same compiler, same bytes: no paths, dates or metadata get into the code (bytecodeHash none, no CBOR).
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "0.8.28+commit.7893614a.Emscripten.clang";
const CONTRACTS = [["Token", "token"], ["HashLock", "hash_lock"]];
const BYTES_A_LINE = 20;

const [folder, output] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const solc = createRequire(join(folder, "package.json"))("solc");
if (solc.version() !== VERSION) throw new Error(`solc is ${solc.version()}, expected ${VERSION}`);

const answer = JSON.parse(solc.compile(JSON.stringify({
  language: "Solidity",
  sources: Object.fromEntries(CONTRACTS.map(([name]) => [`${name}.sol`, { content: readFileSync(join(here, `${name}.sol`), "utf8") }])),
  settings: {
    // london: no PUSH0, which Rootstock took up late and old test servers lack
    evmVersion: "london",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences",
      "evm.methodIdentifiers"] } },
  },
})));
const faults = (answer.errors ?? []).map((e) => e.formattedMessage);
if (faults.length > 0) throw new Error(faults.join("\n")); // a warning is one too

let text = `/* Compiled from the contracts/ beside this file by contrib/contracts; not for editing.
 * solc ${VERSION}, evmVersion london, optimizer 200 runs, no metadata. */
`;
for (const [name, prefix] of CONTRACTS) {
  const { bytecode, deployedBytecode, methodIdentifiers } = answer.contracts[`${name}.sol`][name].evm;
  text += `\n/* ${name}.sol: what to call it by */\n`;
  for (const [signature, selector] of Object.entries(methodIdentifiers).sort()) {
    const method = signature.replace(/\(.*/, "").replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();
    text += `#define ${prefix.toUpperCase()}_${method} 0x${selector}u /* ${signature} */\n`;
  }
  text += `\n/* ${name}.sol: what creates it, before the arguments of its constructor */\n`;
  text += `static const uint8_t ${prefix}_creation[] = {\n`;
  const bytes = bytecode.object.match(/../g).map((byte) => `0x${byte}`);
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) text += `    ${bytes.slice(at, at + BYTES_A_LINE).join(",")},\n`;
  text += "};\n";
  // What then stands at its address, unless the constructor fills something in: how one knows that it is this contract.
  if (Object.keys(deployedBytecode.immutableReferences).length === 0 && bytecode.object.endsWith(deployedBytecode.object))
    text += `#define ${prefix.toUpperCase()}_CODE_SIZE ${deployedBytecode.object.length / 2} /* its end: the code of the contract itself */\n`;
}
writeFileSync(output, text);
