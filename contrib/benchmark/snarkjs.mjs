// The other side of bench_proof's Groth16: snarkjs in this process, everything it reads in memory, warmed up.
//   node snarkjs.mjs FOLDER CIRCUIT     FOLDER: where snarkjs is installed; CIRCUIT: a folder of vectors/groth16
// Says "ready"; then for each line "verify N" or "prove N" of standard input, the median of N in seconds, and the most memory
// there ever was, in KiB. Ends when standard input does.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const [folder, circuit] = process.argv.slice(2);
const require = createRequire(path.join(folder, 'package.json'));
const snarkjs = require('snarkjs');
const WARM = { verify: 30, prove: 6 };

const bytes = (name) => fs.readFileSync(path.join(circuit, name));
const json = (name) => JSON.parse(bytes(name));
const memory = (name) => ({ type: 'mem', data: new Uint8Array(bytes(name)) });
const key = json('verification_key.json');
const proof = json('proof.json');
const signals = json('public.json');
const zkey = memory('circuit.zkey');
const wtns = memory('witness.wtns');

const work = {
    async verify() {
        if (!await snarkjs.groth16.verify(key, signals, proof))
            throw new Error('snarkjs does not accept the proof');
    },
    async prove() {
        return snarkjs.groth16.prove(zkey, wtns);
    },
};

async function median(what, count) {
    const times = [];
    for (let i = 0; i < count; i++) {
        const begin = performance.now();
        await work[what]();
        times.push((performance.now() - begin) / 1000);
    }
    times.sort((a, b) => a - b);
    return times[count >> 1];
}

for (const what of Object.keys(work))
    await median(what, WARM[what]);
const made = await work.prove();
if (!await snarkjs.groth16.verify(key, made.publicSignals, made.proof))
    throw new Error('snarkjs does not accept its own proof');
console.log('ready');
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [what, count] = line.split(' ');
    console.log(`${await median(what, Number(count))} ${process.resourceUsage().maxRSS}`);
}
process.exit(0); // snarkjs's workers would keep it alive
