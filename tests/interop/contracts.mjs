// Every rule of Token.sol and HashLock.sol, tried on anvil with the very bytes of src/network/evm/contracts.inc. No library:
// calls are encoded here.
//   node contracts.mjs FOLDER     solc/ and anvil/ are installed there (tests/interop/contracts)
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2];
const here = dirname(fileURLToPath(import.meta.url));
const inc = readFileSync(join(here, "../../src/network/evm/contracts.inc"), "utf8");
const codeOf = (name) => inc.match(new RegExp(`${name}_creation\\[\\] = \\{([^}]*)`))[1].replace(/0x|[^0-9a-f]/g, "");
const selectors = Object.fromEntries([...inc.matchAll(/0x([0-9a-f]{8})u \/\* (\w+)\(/g)].map(([, hex, name]) => [name, hex]));

// --- the node -------------------------------------------------------------------------------------------------------
const anvil = spawn(join(folder, "anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
  ["--port", "0", "--host", "127.0.0.1", "--hardfork", "london"], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => anvil.kill("SIGKILL"));
const url = await new Promise((resolve, reject) => {
  let out = "";
  anvil.on("exit", () => reject(new Error(`anvil ended: ${out}`)));
  anvil.stdout.on("data", (chunk) => {
    const found = (out += chunk).match(/Listening on (127\.0\.0\.1:\d+)/);
    if (found) resolve(`http://${found[1]}`);
  });
});
let request = 0;
async function rpc(method, ...params) {
  const reply = await fetch(url, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++request, method, params }),
  });
  const { result, error } = await reply.json();
  if (error) throw Object.assign(new Error(error.message), { data: error.data });
  return result;
}

// --- encoding ---------------------------------------------------------------------------------------------------------
const word = (value) => typeof value === "string" ? value.replace(/^0x/, "").padStart(64, "0") : BigInt(value).toString(16).padStart(64, "0");
const tail = (hex) => word(hex.length / 2) + hex.padEnd(Math.ceil(hex.length / 64) * 64, "0");
const text = (value) => Buffer.from(value).toString("hex");
const data = (name, ...words) => `0x${selectors[name]}${words.map(word).join("")}`;
const number = (hex) => BigInt(hex === "0x" ? 0 : hex);
const NONE = "0x" + "0".repeat(40);
const secretOf = () => `0x${randomBytes(32).toString("hex")}`;
const hashOf = (secret) => `0x${createHash("sha256").update(Buffer.from(secret.slice(2), "hex")).digest("hex")}`;

const [owner, alice, bob, stranger] = await rpc("eth_accounts");
async function send(from, to, input, { value = 0n, gas = 3_000_000 } = {}) {
  const hash = await rpc("eth_sendTransaction", { from, to, data: input, value: `0x${value.toString(16)}`, gas: `0x${gas.toString(16)}` });
  for (;;) {
    const receipt = await rpc("eth_getTransactionReceipt", hash);
    if (receipt) return { ...receipt, done: receipt.status === "0x1" };
  }
}
const call = (to, input) => rpc("eth_call", { to, data: input }, "latest");
const create = async (code) => (await send(owner, undefined, `0x${code}`)).contractAddress;
const coin = async (account) => number(await rpc("eth_getBalance", account, "latest"));
const units = async (token, account) => number(await call(token, data("balanceOf", account)));
const owed = async (token, account) => number(await call(hashLock, data("owed", token, account)));
const stateOf = async (id) => Number(number(`0x${(await call(hashLock, data("read", id))).slice(2 + 2 * 64, 2 + 3 * 64)}`));
const [LOCKED, CLAIMED, REFUNDED] = [1, 2, 3];
const now = async () => Number((await rpc("eth_getBlockByNumber", "latest", false)).timestamp);

// Moves the chain's clock: the next block is at that very second.
const nextBlockAt = (time) => rpc("evm_setNextBlockTimestamp", time);

// The name of the error with which it is refused, or a text.
const ERRORS = ["Reentered", "WrongTerms", "DeadlinePassed", "DeadlineNotReached", "LockExists", "NotLocked", "WrongSecret",
  "NotReceived", "TransferFailed", "NotEnoughGas", "NothingOwed", "NoAccount", "BalanceTooSmall", "AllowanceTooSmall"];
let errorNames = {};
async function refusal(from, to, input, { value = 0n, gas = 3_000_000 } = {}) {
  try {
    await rpc("eth_call", { from, to, data: input, value: `0x${value.toString(16)}`, gas: `0x${gas.toString(16)}` }, "pending");
  } catch (error) {
    const receipt = await send(from, to, input, { value, gas });
    if (receipt.done) return "mined all the same";
    const found = String(error.data ?? "").slice(0, 10);
    return errorNames[found] ?? error.message;
  }
  return "not refused";
}

// --- the tests --------------------------------------------------------------------------------------------------------
const solc = createRequire(join(folder, "solc/package.json"))("solc");
const { contracts: odd, errors } = JSON.parse(solc.compile(JSON.stringify({
  language: "Solidity",
  sources: {
    "Odd.sol": { content: readFileSync(join(here, "Odd.sol"), "utf8") },
    "Errors.sol": { content: `pragma solidity 0.8.28; contract Errors {${ERRORS.map((name) =>
      `function ${name}(${name.endsWith("TooSmall") ? "uint256,uint256" : ""}) external {}`).join("")}}` },
  },
  settings: { evmVersion: "london", outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.methodIdentifiers"] } } },
})));
if (errors?.some((e) => e.severity === "error")) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
for (const [signature, selector] of Object.entries(odd["Errors.sol"].Errors.evm.methodIdentifiers))
  errorNames[`0x${selector}`] = signature.replace(/\(.*/, "");
const { OddToken, OddPayee } = odd["Odd.sol"];
for (const { evm } of [OddToken, OddPayee])
  for (const [signature, selector] of Object.entries(evm.methodIdentifiers)) selectors[`odd_${signature.replace(/\(.*/, "")}`] = selector;

const hashLock = await create(codeOf("hash_lock"));
const newToken = (supply = 1000, to = alice) => create(codeOf("token") + word(160) + word(224) + word(6) + word(supply) + word(to) +
  tail(text("Gold")) + tail(text("GLD")));
const newOdd = (answers, byFalse, fee) => create(OddToken.evm.bytecode.object + word(answers) + word(byFalse) + word(fee));
const lockData = (to, hash, deadline, token, amount) => data("lock", to, hash, deadline, token, amount);
const idOf = (from, to, hash, deadline, token, amount) => call(hashLock, data("idOf", from, to, hash, deadline, token, amount));

async function locked({ from = alice, to = bob, token = NONE, amount = 100n, wait = 1000 } = {}) {
  const secret = secretOf();
  const deadline = (await now()) + wait;
  if (token !== NONE) await send(from, token, data("approve", hashLock, amount));
  const receipt = await send(from, hashLock, lockData(to, hashOf(secret), deadline, token, amount), { value: token === NONE ? amount : 0n });
  if (!receipt.done) throw new Error("could not lock");
  return { secret, deadline, id: await idOf(from, to, hashOf(secret), deadline, token, amount) };
}
// A contract that locks as `payee`, having been given what it locks.
async function payeeLocks(payee, { to = bob, amount = 100n, wait = 1000 }) {
  const secret = secretOf();
  const deadline = (await now()) + wait;
  const what = lockData(to, hashOf(secret), deadline, NONE, amount).slice(2);
  const receipt = await send(alice, payee, `0x${selectors.odd_send}${word(hashLock)}${word(amount)}${word(96)}${tail(what)}`, { value: amount });
  if (!receipt.done) throw new Error("could not lock");
  return { secret, deadline, id: await idOf(payee, to, hashOf(secret), deadline, NONE, amount) };
}
const setPayee = (payee, mode, target = NONE, what = "0x") =>
  send(owner, payee, `0x${selectors.odd_set}${word(mode)}${word(target)}${word(96)}${tail(what.slice(2))}`);

let passed = 0, failed = 0;
async function test(name, body) {
  const wrong = [];
  const same = (got, expected, what) => { if (got !== expected) wrong.push(`${what}: ${got}, expected ${expected}`); };
  try { await body(same); } catch (error) { wrong.push(error.stack); }
  if (wrong.length === 0) { passed++; return; }
  failed++;
  console.log(`FAILED: ${name}\n  ${wrong.join("\n  ")}`);
}

await test("a token has its name, symbol, decimals and supply, all of it the owner's", async (same) => {
  const token = await newToken(1000);
  const string = (hex) => Buffer.from(hex.slice(2 + 128), "hex").toString().replace(/\0+$/, "");
  same(string(await call(token, data("name"))), "Gold", "name");
  same(string(await call(token, data("symbol"))), "GLD", "symbol");
  same(number(await call(token, data("decimals"))), 6n, "decimals");
  same(number(await call(token, data("totalSupply"))), 1000n, "supply");
  same(await units(token, alice), 1000n, "owner's");
  same(await units(token, owner), 0n, "creator's");
});

await test("a token moves what somebody has and not one unit more, and tells so", async (same) => {
  const token = await newToken(1000);
  same(await refusal(alice, token, data("transfer", bob, 1001)), "BalanceTooSmall", "one too many");
  same(await refusal(alice, token, data("transfer", NONE, 1)), "NoAccount", "to nobody");
  const receipt = await send(alice, token, data("transfer", bob, 1000));
  same(receipt.logs.length, 1, "events");
  same(receipt.logs[0].topics[0], "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", "Transfer (EIP-20)");
  same(receipt.logs[0].data, `0x${word(1000)}`, "value");
  same(await units(token, bob), 1000n, "bob's");
  same(await units(token, alice), 0n, "alice's");
  same((await send(bob, token, data("transfer", bob, 1000))).done, true, "to himself");
  same(await units(token, bob), 1000n, "bob's after paying himself");
});

await test("an allowance is counted down, the endless one is not", async (same) => {
  const token = await newToken(1000);
  same(await refusal(bob, token, data("transferFrom", alice, bob, 1)), "AllowanceTooSmall", "none");
  const receipt = await send(alice, token, data("approve", bob, 10));
  same(receipt.logs[0].topics[0], "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925", "Approval (EIP-20)");
  same((await send(bob, token, data("transferFrom", alice, bob, 6))).done, true, "six");
  same(await refusal(bob, token, data("transferFrom", alice, bob, 5)), "AllowanceTooSmall", "five more");
  same(number(await call(token, data("allowance", alice, bob))), 4n, "left");
  await send(alice, token, data("approve", bob, 2n ** 256n - 1n));
  same((await send(bob, token, data("transferFrom", alice, bob, 5))).done, true, "of an endless one");
  same(number(await call(token, data("allowance", alice, bob))), 2n ** 256n - 1n, "still endless");
  same(await refusal(alice, token, data("approve", NONE, 1)), "NoAccount", "nobody allowed");
  same(await refusal(bob, token, data("transferFrom", alice, bob, 990)), "BalanceTooSmall", "allowed but not there");
});

for (const kind of ["coin", "token"]) {
  const make = async () => kind === "coin" ? NONE : newToken(1000);
  const has = (token, account) => token === NONE ? coin(account) : units(token, account);

  await test(`${kind}: whoever shows the secret before the deadline, the recipient is paid, once`, async (same) => {
    const token = await make();
    const { id, secret, deadline } = await locked({ token });
    same(await stateOf(id), LOCKED, "state");
    same(await has(token, hashLock), 100n, "held");
    same(await refusal(bob, hashLock, data("claim", id, secretOf())), "WrongSecret", "another secret");
    same(await refusal(alice, hashLock, data("refund", id)), "DeadlineNotReached", "refund too early");
    const before = await has(token, bob);
    await nextBlockAt(deadline - 1);
    const receipt = await send(stranger, hashLock, data("claim", id, secret));
    same(receipt.done, true, "claim in the last second");
    same(receipt.logs[0].topics[1], id, "event's id");
    same(receipt.logs[0].data, secret, "event's secret");
    same((await has(token, bob)) - before, 100n, "bob got");
    same(await has(token, hashLock), 0n, "left");
    same(await stateOf(id), CLAIMED, "state after");
    same(await refusal(bob, hashLock, data("claim", id, secret)), "NotLocked", "again");
    await nextBlockAt(deadline + 1);
    same(await refusal(alice, hashLock, data("refund", id)), "NotLocked", "refund after the claim");
  });

  await test(`${kind}: from the deadline on anyone can refund the sender, once, and nobody can claim`, async (same) => {
    const token = await make();
    const { id, secret, deadline } = await locked({ token });
    await nextBlockAt(deadline);
    same((await send(stranger, hashLock, data("claim", id, secret))).done, false, "claim at the deadline");
    same(await refusal(bob, hashLock, data("claim", id, secret)), "DeadlinePassed", "claim after it");
    const before = await has(token, alice);
    const receipt = await send(stranger, hashLock, data("refund", id));
    same(receipt.done, true, "refund");
    same(receipt.logs[0].topics[1], id, "event's id");
    same((await has(token, alice)) - before, 100n, "alice got");
    same(await stateOf(id), REFUNDED, "state after");
    same(await refusal(alice, hashLock, data("refund", id)), "NotLocked", "again");
    same(await refusal(bob, hashLock, data("claim", id, secret)), "NotLocked", "claim after the refund");
  });
}

await test("a refund is possible at the very second of the deadline", async (same) => {
  const { id, deadline } = await locked();
  await nextBlockAt(deadline);
  same((await send(stranger, hashLock, data("refund", id))).done, true, "refund");
});

await test("terms that make no sense are refused", async (same) => {
  const token = await newToken(1000);
  await send(alice, token, data("approve", hashLock, 1000));
  const hash = hashOf(secretOf());
  const deadline = (await now()) + 1000;
  const tell = (input, value = 0n) => refusal(alice, hashLock, input, { value });
  same(await tell(lockData(bob, hash, deadline, NONE, 0)), "WrongTerms", "no amount");
  same(await tell(lockData(NONE, hash, deadline, NONE, 1), 1n), "WrongTerms", "no recipient");
  same(await tell(lockData(hashLock, hash, deadline, NONE, 1), 1n), "WrongTerms", "the contract itself");
  same(await tell(lockData(bob, hash, deadline, NONE, 2), 1n), "WrongTerms", "less coin than said");
  same(await tell(lockData(bob, hash, deadline, NONE, 2), 3n), "WrongTerms", "more coin than said");
  same(await tell(lockData(bob, hash, deadline, token, 2), 2n), "WrongTerms", "coin with a token");
  const soon = (await now()) + 10;
  await nextBlockAt(soon);
  same((await send(alice, hashLock, lockData(bob, hash, soon, NONE, 1), { value: 1n })).done, false, "deadline reached");
  same(await tell(lockData(bob, hash, soon, NONE, 1), 1n), "DeadlinePassed", "deadline passed");
  same((await send(alice, hashLock, lockData(bob, hash, deadline, token, 1))).done, true, "beside them, what makes sense");
});

await test("the id covers every term, the chain and the contract; the same terms lock once, also after the end", async (same) => {
  const { id, secret, deadline } = await locked();
  const terms = [alice, bob, hashOf(secret), deadline, NONE, 100];
  const others = [bob, alice, hashOf(secretOf()), deadline + 1, hashLock, 101];
  same(await idOf(...terms), id, "id");
  for (let i = 0; i < terms.length; i++) {
    const changed = [...terms];
    changed[i] = others[i];
    same((await idOf(...changed)) === id, false, `id with another term ${i}`);
  }
  const second = await create(codeOf("hash_lock"));
  same((await call(second, data("idOf", ...terms))) === id, false, "id in another contract");
  const again = lockData(bob, hashOf(secret), deadline, NONE, 100);
  same(await refusal(alice, hashLock, again, { value: 100n }), "LockExists", "while it is locked");
  await send(bob, hashLock, data("claim", id, secret));
  same(await refusal(alice, hashLock, again, { value: 100n }), "LockExists", "after its end");
  same(await refusal(bob, hashLock, data("claim", hashOf(id), secret)), "NotLocked", "an id that is none");
});

await test("a token that keeps a fee, refuses by false, or is none cannot be locked", async (same) => {
  const hash = hashOf(secretOf());
  const deadline = (await now()) + 1000;
  same(await refusal(owner, hashLock, lockData(bob, hash, deadline, await newOdd(1, 0, 1), 100)), "NotReceived", "fee");
  same(await refusal(alice, hashLock, lockData(bob, hash, deadline, await newOdd(1, 1, 0), 100)), "TransferFailed", "false");
  same(await refusal(alice, hashLock, lockData(bob, hash, deadline, await newOdd(1, 0, 0), 100)), "TransferFailed", "revert");
  same(await refusal(alice, hashLock, lockData(bob, hash, deadline, stranger, 100)) === "not refused", false, "no contract");
});

await test("a token that answers nothing can be locked and claimed", async (same) => {
  const token = await newOdd(0, 0, 0);
  const secret = secretOf();
  const deadline = (await now()) + 1000;
  same((await send(owner, hashLock, lockData(bob, hashOf(secret), deadline, token, 100))).done, true, "lock");
  await send(bob, hashLock, data("claim", await idOf(owner, bob, hashOf(secret), deadline, token, 100), secret));
  same(await units(token, bob), 100n, "bob's");
});

for (const byFalse of [0, 1])
  await test(`a token that blocks the recipient by ${byFalse ? "false" : "a revert"} does not keep the lock open: he is owed`, async (same) => {
    const token = await newOdd(1, byFalse, 0);
    const secret = secretOf();
    const deadline = (await now()) + 1000;
    await send(owner, hashLock, lockData(bob, hashOf(secret), deadline, token, 100));
    const id = await idOf(owner, bob, hashOf(secret), deadline, token, 100);
    await send(owner, token, `0x${selectors.odd_toggle}${word(bob)}`);
    const receipt = await send(bob, hashLock, data("claim", id, secret));
    same(receipt.done, true, "claim");
    same(receipt.logs[0].data, secret, "the secret is told");
    same(await stateOf(id), CLAIMED, "state");
    same(await owed(token, bob), 100n, "owed");
    same(await refusal(bob, hashLock, data("withdraw", token, bob)), "TransferFailed", "to where it is blocked");
    same(await owed(token, bob), 100n, "still owed");
    same(await refusal(alice, hashLock, data("withdraw", token, alice)), "NothingOwed", "somebody else");
    same((await send(bob, hashLock, data("withdraw", token, stranger))).done, true, "to elsewhere");
    same(await units(token, stranger), 100n, "arrived");
    same(await refusal(bob, hashLock, data("withdraw", token, stranger)), "NothingOwed", "twice");
  });

for (const [mode, how] of [[1, "refuses"], [2, "burns all gas"]])
  await test(`a recipient or sender whose contract ${how} stops nobody: he is owed`, async (same) => {
    const payee = await create(OddPayee.evm.bytecode.object);
    await setPayee(payee, mode);
    const { id, secret } = await locked({ to: payee });
    const receipt = await send(bob, hashLock, data("claim", id, secret));
    same(receipt.done, true, "claim");
    same(await stateOf(id), CLAIMED, "state");
    same(await owed(NONE, payee), 100n, "owed");
    const back = await payeeLocks(payee, {});
    await nextBlockAt(back.deadline);
    same((await send(stranger, hashLock, data("refund", back.id))).done, true, "refund");
    same(await stateOf(back.id), REFUNDED, "state of the refunded");
    same(await owed(NONE, payee), 200n, "owed together");
    await setPayee(payee, 0);
    const what = data("withdraw", NONE, payee).slice(2);
    await send(owner, payee, `0x${selectors.odd_send}${word(hashLock)}${word(0)}${word(96)}${tail(what)}`);
    same(await coin(payee), 200n, "withdrawn");
    same(await owed(NONE, payee), 0n, "owed after");
  });

await test("a large answer of the payee costs him his own gas alone", async (same) => {
  const payee = await create(OddPayee.evm.bytecode.object);
  await setPayee(payee, 3);
  const { id, secret } = await locked({ to: payee });
  same((await send(bob, hashLock, data("claim", id, secret), { gas: 500_000 })).done, true, "claim");
  same((await coin(payee)) + (await owed(NONE, payee)), 100n, "paid or owed");
});

await test("with too little gas a claim is refused rather than turned into a debt", async (same) => {
  const { id, secret } = await locked();
  const before = await coin(bob);
  same(await refusal(stranger, hashLock, data("claim", id, secret), { gas: 350_000 }), "NotEnoughGas", "350,000");
  const gas = Number(await rpc("eth_estimateGas", { from: stranger, to: hashLock, data: data("claim", id, secret) }));
  same((await send(stranger, hashLock, data("claim", id, secret), { gas })).done, true, "with what was estimated");
  same((await coin(bob)) - before, 100n, "bob got");
  same(await owed(NONE, bob), 0n, "owed");
});

await test("nobody gets in while a payee is paid", async (same) => {
  const payee = await create(OddPayee.evm.bytecode.object);
  await setPayee(payee, 1);
  const first = await locked({ to: payee });
  await send(bob, hashLock, data("claim", first.id, first.secret));
  same(await owed(NONE, payee), 100n, "owed");
  await setPayee(payee, 4, hashLock, data("withdraw", NONE, payee));
  const { id, secret } = await locked({ to: payee, amount: 50n });
  await send(bob, hashLock, data("claim", id, secret));
  same(number(await call(payee, `0x${selectors.odd_calledBack}`)), 0n, "called back");
  same(await coin(payee), 50n, "paid");
  same(await owed(NONE, payee), 100n, "still owed");
});

await test("what is held is always the sum of what is locked and owed, in 60 random steps", async (same) => {
  const seed = process.env.LAYERD_SEED ? Number(process.env.LAYERD_SEED) : randomBytes(4).readUInt32LE();
  let state = seed;
  const pick = (n) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0, Math.floor((state / 2 ** 32) * n));
  const token = await newToken(1_000_000);
  const start = { coin: await coin(hashLock) };
  const open = [];
  const sums = { coin: 0n, token: 0n };
  for (let step = 0; step < 60; step++) {
    const way = open.length === 0 ? 0 : pick(3);
    if (way === 0) {
      const kind = pick(2) ? "token" : "coin";
      const amount = BigInt(1 + pick(500));
      open.push({ kind, amount, ...(await locked({ token: kind === "coin" ? NONE : token, amount, wait: 20 + pick(200) })) });
      sums[kind] += amount;
    } else {
      const at = pick(open.length);
      const it = open[at];
      if (way === 1 && pick(2)) await nextBlockAt(Math.max(it.deadline, (await now()) + 1));
      const receipt = await send(stranger, hashLock, way === 1 ? data("refund", it.id) : data("claim", it.id, it.secret));
      const when = Number((await rpc("eth_getBlockByNumber", receipt.blockNumber, false)).timestamp);
      same(receipt.done, (way === 1) === (when >= it.deadline), `seed ${seed} step ${step}: done`);
      if (receipt.done) {
        open.splice(at, 1);
        sums[it.kind] -= it.amount;
      }
    }
    same((await coin(hashLock)) - start.coin, sums.coin, `seed ${seed} step ${step}: coin held`);
    same(await units(token, hashLock), sums.token, `seed ${seed} step ${step}: tokens held`);
  }
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
