"""A Stacks node (stacks-core 3.x, docs/rpc/openapi.yaml and stackslib/src/net/api) or, with api=True, Hiro's API before
one: for tests alone. It makes real Nakamoto blocks (SIP-021), one for each Bitcoin block; it runs no contracts and
checks no signatures: nonce, fee and names it does.
"""

import hashlib
import json
import struct

from .http_server import HttpServer

C32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TESTNET, CHAIN = 0x80, 0x80000000
CHAINED_MAX = 25  # MAXIMUM_MEMPOOL_TX_CHAINING
RATE = 1  # MINIMUM_TX_FEE_RATE_PER_BYTE
TRANSFER, CALL, TENURE_CHANGE, COINBASE, CONTRACT = 0, 2, 7, 8, 6


def digest(data):
    return hashlib.new("sha512_256", data).digest()


def hash_of_address(text):
    """The 20 bytes of a c32check address, its checksum verified."""
    number = 0
    for letter in text[2:]:
        number = number * 32 + C32.index(letter)
    data = number.to_bytes(24, "big")
    body = bytes([C32.index(text[1])]) + data[:20]
    assert text[0] == "S" and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == data[20:]
    return data[:20]


class Transaction:
    """The parts of a transaction with one signer that a mempool looks at."""

    def __init__(self, raw):
        self.raw, self.id = raw, digest(raw)
        version, self.chain, auth, mode = struct.unpack(">BIBB", raw[:7])
        if version != TESTNET or auth != 4 or mode != 0:
            raise ValueError("another network, or not one key's")
        self.origin = raw[7:27]
        self.nonce, self.fee, encoding = struct.unpack(">QQB", raw[27:44])
        anchor, self.mode, conditions = struct.unpack(">BBI", raw[109:115])
        if encoding > 1 or not 1 <= anchor <= 3 or not 1 <= self.mode <= 3:
            raise ValueError("no transaction")
        at = 115
        for _ in range(conditions):
            kind, owner = raw[at], raw[at + 1]
            at += 2 + (21 if owner != 1 else 0)
            for _ in range(0 if kind == 0 else 1):
                at += 21
                at += 1 + raw[at]
                at += 1 + raw[at]
            at += 1 + 8
        self.payload, self.rest = raw[at], raw[at + 1 :]
        self.contract = None
        if self.payload == CONTRACT:
            self.contract = self.rest[2 : 2 + self.rest[1]].decode()


def own_transaction(signer, nonce, payload):
    """A miner's: no fee, in its own block alone."""
    auth = bytes([4, 0]) + signer + struct.pack(">QQB", nonce, 0, 0) + bytes(65)
    return bytes([TESTNET]) + struct.pack(">I", CHAIN) + auth + struct.pack(">BBI", 1, 2, 0) + payload


def merkle_root(ids):
    row = [digest(b"\x00" + each) for each in ids]
    while True:
        row += row[-1:] * (len(row) % 2)
        row = [digest(b"\x01" + row[i] + row[i + 1]) for i in range(0, len(row), 2)]
        if len(row) == 1:
            return row[0]


class Block:
    def __init__(self, height, consensus, parent, transactions, salt):
        self.height, self.consensus, self.transactions = height, consensus, transactions
        ids = [digest(raw) for raw in transactions]
        head = struct.pack(">BQQ", 0, height, 5000 * height) + consensus + parent + merkle_root(ids)
        head += digest(b"state %d" % salt) + struct.pack(">Q", 1700000000 + salt) + bytes([1]) + bytes(64)
        treatment = struct.pack(">HI", 9, 2) + b"\xff\x01"
        self.hash = digest(head + treatment)
        self.id = digest(self.hash + consensus)
        signers = struct.pack(">I", 2) + bytes(130)
        self.bytes = head + signers + treatment + struct.pack(">I", len(transactions)) + b"".join(transactions)


class Refused(Exception):
    def __init__(self, reason, **data):
        super().__init__(reason)
        self.reason, self.data = reason, data


class Stacks:
    def __init__(self, txindex=True, api=False, port=0):
        self.txindex, self.api, self.chain_id = txindex, api, CHAIN
        self.nonces, self.mempool, self.mined, self.results = {}, {}, {}, {}
        self.contracts, self.orphans, self.salt, self.carried_out = set(), {}, 0, 0
        self.blocks, self.burn_base, self.dropped, self.estimates = [], 100, {}, True
        self.server = HttpServer(self.handle, port)
        self.mine(3)

    # --- the chain
    # ------------------------------------------------------------------------------------------------------------

    def mine(self, count=1, result="(ok true)"):
        """A Bitcoin block each, its tenure's one block with what waits, in the order of nonces."""
        with self.server.lock:  # nobody sees half a block
            for _ in range(count):
                self._mine_one(result)

    def _mine_one(self, result):
        self.salt += 1
        height = len(self.blocks) + 1
        consensus = digest(b"tenure %d" % self.salt)[:20]
        parent = self.blocks[-1].id if self.blocks else bytes(32)
        before = self.blocks[-1].consensus if self.blocks else bytes(20)
        miner = bytes([7]) * 20
        change = bytes([TENURE_CHANGE]) + consensus + before + consensus + parent + struct.pack(">IB", 1, 0) + miner
        coinbase = bytes([COINBASE]) + bytes(32) + b"\x09" + bytes(80)
        made = [own_transaction(miner, 2 * height, change), own_transaction(miner, 2 * height + 1, coinbase)]
        taken = []
        for transaction in sorted(self.mempool.values(), key=lambda each: (each.origin, each.nonce)):
            if transaction.nonce == self.nonces.get(transaction.origin, 0):
                self.nonces[transaction.origin] = transaction.nonce + 1
                taken.append(transaction)
        block = Block(height, consensus, parent, made + [each.raw for each in taken], self.salt)
        self.blocks.append(block)
        for transaction in taken:
            del self.mempool[transaction.id]
            self.mined[transaction.id] = (transaction, block)
            self.results[transaction.id] = result
            if transaction.contract and result.startswith("(ok"):
                self.contracts.add((transaction.origin, transaction.contract))

    def reorganise(self, depth, lose=False):
        """The newest blocks are replaced by one more of others; what was in them waits again, or is lost."""
        with self.server.lock:
            self._reorganise(depth, lose)

    def _reorganise(self, depth, lose):
        for _ in range(depth):
            block = self.blocks.pop()
            self.orphans[block.id] = block
            for identity, (transaction, where) in list(self.mined.items()):
                if where is block:
                    self.nonces[transaction.origin] = min(self.nonces[transaction.origin], transaction.nonce)
                    if not lose:
                        self.mempool[identity] = transaction
        waiting, self.mempool = self.mempool, {}
        self.mine(depth + 1)
        self.mempool = waiting

    def burn_height(self, block=None):
        return self.burn_base + (block.height if block else len(self.blocks))

    def canonical(self, block):
        return block.height <= len(self.blocks) and self.blocks[block.height - 1] is block

    # --- HTTP
    # -----------------------------------------------------------------------------------------------------------------

    def handle(self, method, path, headers, body):
        path, _, query = path.partition("?")
        parts = path.strip("/").split("/")
        routes = {
            ("v2", "info"): self.info, ("v2", "accounts"): self.account, ("v2", "fees"): self.fees,
            ("v2", "transactions"): self.transactions, ("v3", "transaction"): self.transaction,
            ("v3", "blocks"): self.block, ("v3", "sortitions"): self.sortition, ("extended", "v1"): self.extended,
        }
        route = routes.get(tuple(parts[:2]))
        answer = route(method, parts[2:], headers, body) if route else None
        if answer is None:
            return 404, "text/plain", b"No such resource"
        status, value = answer
        if isinstance(value, bytes):
            return status, "application/octet-stream", value
        if isinstance(value, str) and status != 200:
            return status, "text/plain", value.encode()
        return status, "application/json", json.dumps(value).encode()

    def info(self, method, rest, headers, body):
        tip = self.blocks[-1]
        return 200, {
            "peer_version": 4207599116, "pox_consensus": "11" * 20, "burn_block_height": self.burn_height(),
            "stable_pox_consensus": "22" * 20, "stable_burn_block_height": self.burn_height() - 1,
            "server_version": "stacks-node 3.2.0.0.1 (release/3.2.0.0.1:, release build, linux [x86_64])",
            "network_id": self.chain_id, "parent_network_id": 3669344250, "stacks_tip_height": tip.height,
            "stacks_tip": tip.hash.hex(), "stacks_tip_consensus_hash": tip.consensus.hex(),
            "genesis_chainstate_hash": "74" * 32, "unanchored_tip": None, "unanchored_seq": None,
            "tenure_height": tip.height, "exit_at_block_height": None, "is_fully_synced": True,
        }

    def account(self, method, rest, headers, body):
        try:
            owner = hash_of_address(rest[0].partition(".")[0])
        except (AssertionError, ValueError, IndexError):
            return 400, "Failed to decode principal"
        return 200, {"balance": "0x%032x" % 10**12, "locked": "0x%032x" % 0, "unlock_height": 0,
                     "nonce": self.nonces.get(owner, 0)}

    def fees(self, method, rest, headers, body):
        if rest == ["transfer"] and method == "GET":
            return 200, RATE
        if rest != ["transaction"] or method != "POST" or headers.get("Content-Type") != "application/json":
            return 400, "Invalid content-type: expected application/json"
        asked = json.loads(body)
        payload = bytes.fromhex(asked["transaction_payload"].removeprefix("0x"))
        if not self.estimates:
            return 400, {"error": "Estimation could not be performed", "reason": "NoEstimateAvailable",
                         "reason_data": {"message": "No estimate available for the provided payload."}}
        least = max(asked.get("estimated_len") or 0, len(payload)) * RATE
        return 200, {
            "estimated_cost": {"read_count": 5, "read_length": 1, "runtime": 1, "write_count": 2, "write_length": 1},
            "estimated_cost_scalar": 10, "cost_scalar_change_by_byte": 0.00476837158203125,
            "estimations": [{"fee": least * n, "fee_rate": 1.5 * n} for n in (1, 2, 3)],
        }

    def transactions(self, method, rest, headers, body):
        if method == "GET" and rest[0] == "unconfirmed" and rest[1] == rest[1].lower():
            found = self.mempool.get(bytes.fromhex(rest[1]))
            if found is None:
                return 404, "Transaction %s not found in mempool or unconfirmed microblock stream" % rest[1]
            return 200, {"tx": found.raw.hex(), "status": "Mempool"}
        if method != "POST" or rest:
            return None
        if headers.get("Content-Type") != "application/octet-stream":
            return 400, "Wrong Content-Type for transaction; expected application/json or application/octet-stream"
        try:
            transaction = Transaction(body)
        except (ValueError, IndexError, struct.error):
            return 400, "Failed to deserialize posted transaction"
        if transaction.id in self.mempool:
            return 200, transaction.id.hex()
        try:
            self.admit(transaction)
        except Refused as refused:
            return 400, {"error": "transaction rejected", "reason": refused.reason, "reason_data": refused.data,
                         "txid": transaction.id.hex()}
        self.carried_out += 1
        self.mempool[transaction.id] = transaction
        return 200, transaction.id.hex()

    def admit(self, transaction):
        expected = self.nonces.get(transaction.origin, 0)
        if transaction.chain != self.chain_id:
            raise Refused("BadAddressVersionByte")
        if transaction.nonce < expected:
            raise Refused("BadNonce", expected=expected, actual=transaction.nonce, is_origin=True)
        if transaction.nonce > expected + CHAINED_MAX:
            raise Refused("TooMuchChaining", expected=expected + CHAINED_MAX, actual=transaction.nonce, is_origin=True)
        if transaction.fee < max(180, RATE * len(transaction.raw)):
            raise Refused("FeeTooLow", expected=RATE * len(transaction.raw), actual=transaction.fee)
        if transaction.contract and (transaction.origin, transaction.contract) in self.contracts:
            raise Refused("ContractAlreadyExists")
        if transaction.payload == TRANSFER and transaction.rest[2:22] == transaction.origin:
            raise Refused("TransferRecipientIsSender")
        for other in list(self.mempool.values()):
            if (other.origin, other.nonce) == (transaction.origin, transaction.nonce):
                if transaction.fee <= other.fee:
                    raise Refused("ConflictingNonceInMempool")
                del self.mempool[other.id]
                self.dropped[other.id] = "dropped_replace_by_fee"

    def transaction(self, method, rest, headers, body):
        if not self.txindex:
            return 501, "Transaction indexing is not enabled"
        if len(rest) != 1 or len(rest[0]) != 64 or rest[0] != rest[0].lower():
            return None
        identity = bytes.fromhex(rest[0])
        if identity not in self.mined:
            return 404, "No such transaction %s\n" % rest[0]
        found, block = self.mined[identity]
        here = self.canonical(block)
        return 200, {"index_block_hash": block.id.hex(), "tx": found.raw.hex(), "result": self.results[identity],
                     "block_height": block.height if here else None, "is_canonical": here}

    def block(self, method, rest, headers, body):
        if rest[0] == "height":
            height = int(rest[1])
            found = self.blocks[height - 1] if 1 <= height <= len(self.blocks) else None
        else:
            identity = bytes.fromhex(rest[0])
            found = next((each for each in self.blocks if each.id == identity), self.orphans.get(identity))
        return (200, found.bytes) if found else (404, "No such block")

    def sortition(self, method, rest, headers, body):
        block = next((each for each in self.blocks if rest == ["consensus", each.consensus.hex()]), None)
        if block is None:
            return 404, "Could not find snapshot"
        return 200, [{
            "burn_block_hash": "0x" + digest(block.consensus).hex(), "burn_block_height": self.burn_height(block),
            "burn_header_timestamp": 1700000000, "sortition_id": "0x" + "33" * 32, "was_sortition": True,
            "parent_sortition_id": "0x" + "44" * 32, "consensus_hash": "0x" + block.consensus.hex(),
            "miner_pk_hash160": "0x" + "07" * 20, "stacks_parent_ch": None, "last_sortition_ch": None,
            "committed_block_hash": None,
        }]

    # --- the API
    # --------------------------------------------------------------------------------------------------------------

    def extended(self, method, rest, headers, body):
        if not self.api:
            return None
        if rest[0] == "tx":
            return self.api_transaction(bytes.fromhex(rest[1].removeprefix("0x")))
        if rest[0] == "address" and rest[2] == "nonces":
            nonce = self.nonces.get(hash_of_address(rest[1]), 0)
            return 200, {"last_executed_tx_nonce": nonce - 1 if nonce else None, "last_mempool_tx_nonce": None,
                         "possible_next_nonce": nonce, "detected_missing_nonces": [], "detected_mempool_nonces": []}
        if rest[0] == "address" and rest[2] == "transactions":
            owner = hash_of_address(rest[1])
            mine = [each for each, _ in self.mined.values() if each.origin == owner]
            results = [self.api_transaction(each.id)[1] for each in mine[::-1]]
            return 200, {"limit": 50, "offset": 0, "total": len(results), "results": results}
        return None

    def api_transaction(self, identity):
        base = {"tx_id": "0x" + identity.hex(), "tx_type": "token_transfer"}
        if identity in self.mined and self.canonical(self.mined[identity][1]):
            block, result = self.mined[identity][1], self.results[identity]
            status = "success" if result.startswith("(ok") else "abort_by_response"
            return 200, {**base, "tx_status": status, "canonical": True, "block_hash": "0x" + block.hash.hex(),
                         "block_height": block.height, "block_time": 1700000000 + block.height,
                         "burn_block_height": self.burn_height(block), "tx_result": {"hex": "0x0703", "repr": result}}
        if identity in self.mempool:
            return 200, {**base, "tx_status": "pending"}
        if identity in self.dropped:
            return 200, {**base, "tx_status": self.dropped[identity]}
        return 404, {"error": "could not find transaction by ID"}

    def close(self):
        self.server.close()
