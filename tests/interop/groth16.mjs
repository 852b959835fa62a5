// Groth16 here and in snarkjs on the same files: each one's proofs must verify in the other, and with a changed public
// input in neither. On the fixtures that come with a proving key, and on a circuit that is compiled and set up here.
//   node groth16.mjs PROGRAM FOLDER     PROGRAM: groth16_files; FOLDER: where snarkjs and circom2 are installed
import { createRequire } from 'node:module';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const [program, folder] = process.argv.slice(2);
const require = createRequire(path.join(folder, 'package.json'));
const snarkjs = require('snarkjs');
const work = fs.mkdtempSync(path.join(folder, 'run-'));
const ROUNDS = 3; // both provers draw fresh randomness each time

let passed = 0;
let failed = 0;

function check(what, right) {
    if (right) {
        passed++;
    } else {
        failed++;
        console.log(`failed: ${what}`);
    }
}

function ours(...words) {
    const run = spawnSync(program, words, { encoding: 'utf8' });
    if (run.error)
        throw run.error;
    return run.stdout.trim();
}

function file(name) {
    return path.join(work, name);
}

function write(name, value) {
    fs.writeFileSync(file(name), JSON.stringify(value, null, 1));
    return file(name);
}

const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8'));

// A public input that is not the proof's.
function changed(signals) {
    return [(BigInt(signals[0]) + 1n).toString(), ...signals.slice(1)];
}

async function compare(name, zkey, wtns) {
    const theirs = await snarkjs.zKey.exportVerificationKey(zkey);
    const key = write(`${name}-key.json`, theirs);

    check(`${name}: our key of the .zkey is read`, ours('key', zkey, file('key.json')) === 'valid');
    check(`${name}: both write the same verification key`,
        fs.readFileSync(file('key.json'), 'utf8') === fs.readFileSync(key, 'utf8'));
    for (let round = 0; round < ROUNDS; round++) {
        const made = await snarkjs.groth16.prove(zkey, wtns);
        const proof = write('proof.json', made.proof);
        const signals = write('public.json', made.publicSignals);
        check(`${name}: their proof holds here`, ours('verify', key, proof, signals) === 'valid');
        check(`${name}: their proof holds here for no other input`,
            ours('verify', key, proof, write('other.json', changed(made.publicSignals))) === 'equation');

        check(`${name}: we prove`, ours('prove', zkey, wtns, file('our-proof.json'), file('our-public.json')) === 'valid');
        const ourProof = read(file('our-proof.json'));
        const ourSignals = read(file('our-public.json'));
        check(`${name}: both have the same public inputs`,
            fs.readFileSync(file('our-public.json'), 'utf8') === fs.readFileSync(signals, 'utf8'));
        check(`${name}: our proof holds there`, await snarkjs.groth16.verify(theirs, ourSignals, ourProof));
        check(`${name}: our proof holds there for no other input`,
            !await snarkjs.groth16.verify(theirs, changed(ourSignals), ourProof));
    }
}

// Two numbers of 12 bits whose product, mixed with a public salt, is public.
const CIRCUIT = `pragma circom 2.0.0;
template Bits(n) {
    signal input number;
    signal bit[n];
    var sum = 0;
    for (var i = 0; i < n; i++) {
        bit[i] <-- (number >> i) & 1;
        bit[i] * (bit[i] - 1) === 0;
        sum += bit[i] * (1 << i);
    }
    sum === number;
}
template Product() {
    signal input a;
    signal input b;
    signal input salt;
    signal output mixed;
    signal product;
    component first = Bits(12);
    component second = Bits(12);
    first.number <== a;
    second.number <== b;
    product <== a * b;
    mixed <== (product + salt) * (product + salt);
}
component main { public [salt] } = Product();
`;
const POWER = 6; // 2^6 rows hold it
const entropy = () => `test ${Math.random()}`;

async function fresh() {
    fs.writeFileSync(file('product.circom'), CIRCUIT);
    execFileSync(process.execPath, [path.join(folder, 'node_modules/circom2/cli.js'), 'product.circom', '--r1cs', '--wasm',
        '-o', '.'], { cwd: work, stdio: 'pipe' });
    const curve = await snarkjs.curves.getCurveFromName('bn128');
    await snarkjs.powersOfTau.newAccumulator(curve, POWER, file('tau0'));
    await snarkjs.powersOfTau.contribute(file('tau0'), file('tau1'), 'test', entropy());
    await snarkjs.powersOfTau.preparePhase2(file('tau1'), file('tau'));
    await snarkjs.zKey.newZKey(file('product.r1cs'), file('tau'), file('zkey0'));
    await snarkjs.zKey.contribute(file('zkey0'), file('product.zkey'), 'test', entropy());
    const input = { a: Math.floor(Math.random() * 4096), b: Math.floor(Math.random() * 4096), salt: Date.now() };
    await snarkjs.wtns.calculate(input, file('product_js/product.wasm'), file('product.wtns'));
    await compare('a fresh circuit', file('product.zkey'), file('product.wtns'));
}

const vectors = path.join(process.env.LAYERD_VECTORS, 'groth16');
if (fs.existsSync(vectors)) {
    for (const name of ['mul', 'range16'])
        await compare(name, path.join(vectors, name, 'circuit.zkey'), path.join(vectors, name, 'witness.wtns'));
} else {
    console.log(`SKIPPED: no vectors in ${vectors}: only a fresh circuit is compared`);
}
await fresh();
fs.rmSync(work, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1); // snarkjs's workers would keep it alive
