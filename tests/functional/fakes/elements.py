"""An Elements node with a wallet, as its RPC help and source (28.x: src/rpc, src/wallet/rpc, src/primitives/block.h) say
what a client sees: for tests alone. It makes real transactions, blocks with dynamic federations (as elementsregtest has
them) and proofs; it checks no scripts, and of blinding it does what shows: an issue's amount becomes a commitment.
"""

import base64
import decimal
import hashlib
import json
import os
import re

from .http_server import HttpServer

POLICY = hashlib.sha256(b"policy asset").digest()
TRUE = b"\x51"
CHALLENGE = b"\x00\x20" + hashlib.sha256(TRUE).digest()  # anybody signs
DYNAMIC = 1 << 31
COMPACT, NONE = b"\x01", b"\x00"  # kinds of parameters in a header
MIN_RATE = 100  # satoshi for 1000 bytes: what the mempool and the wallet take at least
FUND_OPTIONS = {"lockUnspents", "feeRate", "changePosition", "includeWatching", "replaceable"}


def double(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def shown(data):
    return data[::-1].hex()


def size(number):
    return bytes([number]) if number < 0xFD else b"\xfd" + number.to_bytes(2, "little")


def midstate(data):
    """SHA-256's state after one block of 64 bytes: the compression function, from FIPS 180-4."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, int(n**0.5) + 1))]
    k = [_fraction(n, 3) for n in primes[:64]]
    h = [_fraction(n, 2) for n in primes[:8]]
    w = [int.from_bytes(data[4 * i : 4 * i + 4], "big") for i in range(16)]
    for i in range(16, 64):
        a, b = w[i - 15], w[i - 2]
        s0 = _turn(a, 7) ^ _turn(a, 18) ^ (a >> 3)
        s1 = _turn(b, 17) ^ _turn(b, 19) ^ (b >> 10)
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & 0xFFFFFFFF)
    v = list(h)
    for i in range(64):
        s1 = _turn(v[4], 6) ^ _turn(v[4], 11) ^ _turn(v[4], 25)
        first = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i]
        s0 = _turn(v[0], 2) ^ _turn(v[0], 13) ^ _turn(v[0], 22)
        second = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))
        v = [(first + second) & 0xFFFFFFFF, *v[:3], (v[3] + first) & 0xFFFFFFFF, *v[4:7]]
    return b"".join(((x + y) & 0xFFFFFFFF).to_bytes(4, "big") for x, y in zip(h, v))


def _turn(x, bits):
    return (x >> bits | x << (32 - bits)) & 0xFFFFFFFF


def _fraction(prime, root):
    """The first 32 bits after the point of the prime's root."""
    scaled = prime << (32 * root)
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**root <= scaled else (low, middle - 1)
    return low & 0xFFFFFFFF


class Refusal(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Number(str):
    """A number with a point or an exponent, as it was written: Elements reads amounts from these digits."""


def amount_of(value):
    """AmountFromValue: a number or a text with at most eight decimals that count."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", str(value)):
        raise Refusal(-3, "Invalid amount")
    amount = decimal.Decimal(str(value)).scaleb(8)
    if amount != int(amount):
        raise Refusal(-3, "Invalid amount")
    if not 0 <= amount <= 21 * 10**14:
        raise Refusal(-3, "Amount out of range")
    return int(amount)


def is_number(value):
    return isinstance(value, (int, Number)) and not isinstance(value, bool)


def hash_of(text, name):
    if not isinstance(text, str) or len(text) != 64:
        raise Refusal(-8, "%s must be of length 64" % name)
    return bytes.fromhex(text)[::-1]


class Transaction:
    def __init__(self, inputs, outputs, issue=None, blinded=False):
        self.inputs, self.outputs, self.issue, self.blinded = inputs, outputs, issue, blinded

    def bytes(self):
        out = b"\x02\x00\x00\x00\x00" + size(len(self.inputs))
        for number, (txid, index) in enumerate(self.inputs):
            issues = self.issue is not None and number == 0
            out += txid + (index | (0x80000000 if issues else 0)).to_bytes(4, "little") + b"\x00\xfd\xff\xff\xff"
            if issues:
                amount, contract = self.issue
                shown_amount = b"\x01" + amount.to_bytes(8, "big")
                out += bytes(32) + contract + (b"\x08" + double(shown_amount) if self.blinded else shown_amount) + b"\x00"
        out += size(len(self.outputs))
        for asset, amount, script in self.outputs:
            out += b"\x01" + asset + b"\x01" + amount.to_bytes(8, "big") + b"\x00" + size(len(script)) + script
        return out + bytes(4)

    def id(self):
        return double(self.bytes())

    def fee(self):
        return sum(amount for _, amount, script in self.outputs if script == b"")

    def entropy(self):
        txid, index = self.inputs[0]
        return midstate(double(txid + index.to_bytes(4, "little")) + self.issue[1])

    def asset(self):
        return midstate(self.entropy() + bytes(32))


class Elements:
    """The node; `server.url` is where. `directory` gets its .cookie."""

    def __init__(self, directory, chain="elementsregtest", port=0):
        self.chain, self.cookie = chain, directory / ".cookie"
        self.rotate_cookie()
        self.mempool, self.known, self.mined, self.drafts = [], {}, {}, {}
        self.blocks, self.locked, self.wallets, self.salt = [], set(), {"main"}, 0
        self.loaded, self.coins, self.spent = set(), [], set()
        self.warming_up, self.refuse_next, self.carried_out = 0, None, 0
        self.server = HttpServer(self.handle, port)
        self.generate(1)
        for number in range(200):
            self.coins.append((hashlib.sha256(b"coin %d" % number).digest(), 0))

    def rotate_cookie(self):
        """As the node does at its start: the file is whole whenever it is there."""
        self.password = os.urandom(16).hex()
        new = self.cookie.with_suffix(".new")
        new.touch(0o600)
        new.write_text("__cookie__:" + self.password)
        new.rename(self.cookie)

    # --- RPC
    # ---------------------------------------------------------------------------------------------------------

    def handle(self, method, path, headers, body):
        expected = "Basic " + base64.b64encode(b"__cookie__:" + self.password.encode()).decode()
        if headers.get("Authorization") != expected:
            return 401, "text/plain", b""
        request = json.loads(body, parse_float=Number)
        if isinstance(request, list):
            return 200, "application/json", json.dumps([self.one(r, path)[1] for r in request]).encode()
        status, reply = self.one(request, path)
        return status, "application/json", json.dumps(reply).encode()

    def one(self, request, path):
        try:
            if self.warming_up:
                self.warming_up -= 1
                raise Refusal(-28, "Loading block index\u2026")
            name = request["method"]
            handler = getattr(self, "rpc_" + name, None)
            if handler is None:
                raise Refusal(-32601, "Method not found")
            if path.startswith("/wallet/") and path[len("/wallet/") :] not in self.loaded:
                raise Refusal(-18, "Requested wallet does not exist or is not loaded")
            result, error = handler(*request.get("params", [])), None
        except Refusal as refusal:
            result, error = None, {"code": refusal.code, "message": str(refusal)}
        status = 200 if error is None else 404 if error["code"] == -32601 else 500
        return status, {"result": result, "error": error, "id": request.get("id")}

    def rpc_getblockchaininfo(self):
        height = len(self.blocks) - 1
        return {"chain": self.chain, "blocks": height, "headers": height, "bestblockhash": shown(self.hash(height)),
                "initialblockdownload": False, "verificationprogress": 1}

    def rpc_getnetworkinfo(self):
        return {"version": 280000, "subversion": "/Elements Core:28.99.0/"}

    def rpc_getsidechaininfo(self):
        return {"pegged_asset": shown(POLICY), "fedpegscript": "51", "parent_blockhash": "00" * 32}

    def rpc_listwallets(self):
        return sorted(self.loaded)

    def rpc_listwalletdir(self):
        return {"wallets": [{"name": name} for name in sorted(self.wallets)]}

    def rpc_loadwallet(self, name):
        if name not in self.wallets:
            raise Refusal(-18, "Wallet file verification failed. Failed to load database path. Path does not exist.")
        if name in self.loaded:
            raise Refusal(-35, "Wallet \"%s\" is already loaded." % name)
        self.loaded.add(name)
        return {"name": name}

    def rpc_dumpassetlabels(self):
        return {"bitcoin": shown(POLICY)}

    def rpc_getbalances(self):
        trusted = {"bitcoin": 1.5}
        for identity in self.mined:
            made = self.drafts[self.known[identity]]
            if made.issue:
                trusted[shown(made.asset())] = made.issue[0] / 10**8
        return {"mine": {"trusted": trusted, "untrusted_pending": {"bitcoin": 0.0}, "immature": {"bitcoin": 0.0}}}

    def rpc_getnewaddress(self):
        self.salt += 1
        return "ert1q%d" % self.salt

    def rpc_getmempoolinfo(self):
        return {"size": len(self.mempool), "mempoolminfee": MIN_RATE / 10**8, "minrelaytxfee": MIN_RATE / 10**8}

    def rpc_estimatesmartfee(self, blocks):
        return {"errors": ["Insufficient data or no feerate found"], "blocks": blocks}

    # --- making transactions
    # ------------------------------------------------------------------------------------------

    def draft(self, transaction):
        text = transaction.bytes().hex()
        self.drafts[text] = transaction
        return text

    def drafted(self, text):
        if text not in self.drafts:
            raise Refusal(-22, "TX decode failed")
        return self.drafts[text]

    def rpc_createrawtransaction(self, inputs, outputs):
        made = []
        for output in outputs:
            asset = hash_of(output["asset"], "asset") if "asset" in output else POLICY
            for address, amount in output.items():
                if address != "asset":
                    if not address.startswith("ert1"):
                        raise Refusal(-5, "Invalid Bitcoin address: " + address)
                    made.append((asset, amount_of(amount), address.encode()))
        return self.draft(Transaction([], made))

    def rpc_fundrawtransaction(self, text, options):
        """One coin, change, and a fee for the size as it is now, at the rate that is asked for: it has no estimates, and
        -fallbackfee is 0."""
        old = self.drafted(text)
        for name in options:
            if name not in FUND_OPTIONS:
                raise Refusal(-3, "Unexpected key " + name)
        if "feeRate" not in options:
            raise Refusal(-4, "Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable -fallbackfee.")
        rate = amount_of(options["feeRate"])
        if rate < MIN_RATE:
            raise Refusal(-4, "Fee rate is lower than the minimum fee rate setting")
        coin = next((c for c in self.coins if c not in self.locked | self.spent), None)
        if coin is None:
            raise Refusal(-4, "Insufficient funds")
        if options.get("lockUnspents"):
            self.locked.add(coin)
        change = old.outputs + [(POLICY, 10**6, b"change")]
        fee = max(1, -(-len(Transaction([coin], change + [(POLICY, 0, b"")], old.issue).bytes()) * rate // 1000))
        new = Transaction([coin], change + [(POLICY, fee, b"")], old.issue)
        return {"hex": self.draft(new), "fee": fee / 10**8, "changepos": len(change) - 1}

    def rpc_rawissueasset(self, text, issues):
        old, issue = self.drafted(text), issues[0]
        amount = amount_of(issue["asset_amount"]) if is_number(issue["asset_amount"]) else 0  # a text is passed over
        if amount == 0:
            raise Refusal(-3, "Issuance must have one non-zero component")
        if not issue["asset_address"].startswith("ert1"):
            raise Refusal(-5, "Invalid asset address provided")
        new = Transaction(old.inputs, old.outputs, (amount, hash_of(issue["contract_hash"], "contract_hash")))
        new.outputs = [(new.asset(), amount, issue["asset_address"].encode())] + old.outputs
        token = midstate(new.entropy() + bytes([2 if issue.get("blind", True) else 1]) + bytes(31))
        return [{"hex": self.draft(new), "vin": 0, "entropy": shown(new.entropy()), "asset": shown(new.asset()),
                 "token": shown(token)}]

    def rpc_blindrawtransaction(self, text, ignore=True, commitments=(), blind_issuances=True):
        old = self.drafted(text)
        blind = old.issue is not None and blind_issuances
        return self.draft(Transaction(old.inputs, old.outputs, old.issue, blind))

    def sign_for_somebody_else(self):
        made = Transaction([(os.urandom(32), 1)], [(POLICY, 5000, b"theirs"), (POLICY, 100, b"")])
        return self.draft(made)

    def rpc_signrawtransactionwithwallet(self, text):
        return {"hex": text, "complete": True}

    def rpc_decoderawtransaction(self, text):
        return {"vin": [{"txid": shown(txid), "vout": index} for txid, index in self.drafted(text).inputs]}

    def rpc_lockunspent(self, unlock, outputs):
        given = [(hash_of(output["txid"], "txid"), output["vout"]) for output in outputs]
        for coin in given:
            if coin not in self.coins or coin in self.spent:
                raise Refusal(-8, "Invalid parameter, expected unspent output")
            if unlock and coin not in self.locked:
                raise Refusal(-8, "Invalid parameter, expected locked output")
        self.locked.difference_update(given)
        return True

    # --- sending and looking
    # ------------------------------------------------------------------------------------------

    def why_not(self, text):
        """The mempool's reason; None: it would take it."""
        if text not in self.drafts:
            return "mandatory-script-verify-flag-failed"
        if double(bytes.fromhex(text)) in self.known:
            return "txn-already-known" if double(bytes.fromhex(text)) in self.mined else "txn-already-in-mempool"
        made = self.drafts[text]
        if any(coin in self.spent for coin in made.inputs):
            return "txn-mempool-conflict"
        if made.fee() * 1000 < MIN_RATE * len(made.bytes()):
            return "min relay fee not met"
        reason, self.refuse_next = self.refuse_next, None
        return reason

    def rpc_testmempoolaccept(self, texts):
        reply = {"txid": shown(double(bytes.fromhex(texts[0]))), "allowed": True}
        reason = self.why_not(texts[0])
        if reason is not None:
            reply.update({"allowed": False, "reject-reason": reason})
        return [reply]

    def rpc_sendrawtransaction(self, text):
        identity = double(bytes.fromhex(text))
        if identity in self.mined:
            raise Refusal(-27, "Transaction outputs already in utxo set")
        if identity in self.known:
            return shown(identity)
        reason = self.why_not(text)
        if reason is not None:
            raise Refusal(-26, reason)
        self.carried_out += 1
        self.known[identity] = text
        self.mempool.append(identity)
        self.spent.update(self.drafts[text].inputs)
        self.locked.difference_update(self.drafts[text].inputs)  # as the wallet does when it sees the spend
        return shown(identity)

    def rpc_gettransaction(self, text, watchonly=True, verbose=False):
        identity = bytes.fromhex(text)[::-1]
        if identity not in self.known:
            raise Refusal(-5, "Invalid or non-wallet transaction id")
        reply = {"txid": text, "confirmations": 0, "trusted": True, "details": [],
                 "hex": self.known[identity], "decoded": {"vout": []}}
        if identity in self.mined:
            height = self.mined[identity]
            reply.update({"confirmations": len(self.blocks) - height, "blockhash": shown(self.hash(height)),
                          "blockheight": height})
        return reply

    def rpc_getrawtransaction(self, text, verbose):
        raise Refusal(-5, "No such mempool transaction. Use -txindex")

    def rpc_listtransactions(self, label, count, skip, watchonly):
        everything = [{"txid": shown(i), "category": "send", "amount": -0.00001, "asset": shown(POLICY), "time": 1,
                       "confirmations": self.rpc_gettransaction(shown(i))["confirmations"]} for i in self.known]
        newest = everything[::-1][skip : skip + count]
        return newest[::-1]

    # --- blocks
    # -------------------------------------------------------------------------------------------------------

    def hash(self, height):
        return double(self.blocks[height][0])

    def tree(self, height):
        level = [self.blocks[height][1]]
        while len(level[-1]) > 1:
            row = level[-1] + level[-1][-1:] * (len(level[-1]) % 2)
            level.append([double(row[i] + row[i + 1]) for i in range(0, len(row), 2)])
        return level

    def generate(self, count):
        with self.server.lock:  # nobody sees half a block
            for _ in range(count):
                self._generate_one()

    def _generate_one(self):
        self.salt += 1
        transactions = [hashlib.sha256(b"coinbase %d" % self.salt).digest()] + self.mempool
        for identity in self.mempool:
            self.mined[identity] = len(self.blocks)
        self.mempool = []
        self.blocks.append((b"", transactions))
        height = len(self.blocks) - 1
        parent = self.hash(height - 1) if height else bytes(32)
        header = (0x20000000 | DYNAMIC).to_bytes(4, "little") + parent + self.tree(height)[-1][0]
        header += (1700000000 + self.salt).to_bytes(4, "little") + height.to_bytes(4, "little")
        current = COMPACT + size(len(CHALLENGE)) + CHALLENGE + (1325).to_bytes(4, "little") + bytes(32)
        self.blocks[height] = (header + current + NONE, transactions)

    def reorganise(self, depth):
        """The newest blocks are replaced by one more of others; what was in them waits again."""
        with self.server.lock:
            self._reorganise(depth)

    def _reorganise(self, depth):
        for _ in range(depth):
            _, transactions = self.blocks.pop()
            again = [t for t in transactions if t in self.known]
            for identity in again:
                del self.mined[identity]
            self.mempool = again + self.mempool
        waiting, self.mempool = self.mempool, []
        self.generate(depth + 1)
        self.mempool = waiting

    def rpc_generatetoaddress(self, count, address):
        self.generate(count)
        return [shown(self.hash(len(self.blocks) - 1 - i)) for i in range(count)][::-1]

    def rpc_getblockhash(self, height):
        if not 0 <= height < len(self.blocks):
            raise Refusal(-8, "Block height out of range")
        return shown(self.hash(height))

    def find(self, text):
        for height in range(len(self.blocks)):
            if shown(self.hash(height)) == text:
                return height
        raise Refusal(-5, "Block not found")

    def rpc_getblockheader(self, text, verbose=True):
        height = self.find(text)
        if verbose:
            return {"hash": text, "height": height, "confirmations": len(self.blocks) - height}
        return (self.blocks[height][0] + size(1) + size(1) + TRUE).hex()

    def rpc_gettxoutproof(self, ids, block):
        wanted = bytes.fromhex(ids[0])[::-1]
        height = self.find(block)
        transactions = self.blocks[height][1]
        if wanted not in transactions:
            raise Refusal(-5, "Not all transactions found in specified or retrieved block")
        tree, bits, hashes = self.tree(height), [], []

        def descend(level, position):
            above = transactions.index(wanted) >> level == position
            bits.append(above)
            if level == 0 or not above:
                hashes.append(tree[level][position])
                return
            descend(level - 1, 2 * position)
            if 2 * position + 1 < len(tree[level - 1]):
                descend(level - 1, 2 * position + 1)

        descend(len(tree) - 1, 0)
        packed = bytearray((len(bits) + 7) // 8)
        for number, bit in enumerate(bits):
            packed[number // 8] |= bit << number % 8
        proof = self.blocks[height][0] + len(transactions).to_bytes(4, "little") + size(len(hashes))
        return (proof + b"".join(hashes) + size(len(packed)) + bytes(packed)).hex()

    def close(self):
        self.server.close()
