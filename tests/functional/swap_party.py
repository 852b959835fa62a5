"""The account's own program in a swap with a provider's node: a process of its own, with keys, secret and file of its
own. It trusts the node with nothing: it signs for the base ledger and for the EVM chain itself, looks at both ledgers
itself, and shows its secret only to a lock that keeps all terms, is deep, and leaves time for the claim.

    swap_party.py FILE [POINT]

FILE is what it knows, durable before each step. A line on standard input is one look and what follows from it; the
answer is one line: {"done": …, "says": …}. At POINT it says {"at": POINT} and goes no further, until it is killed.

Points, in order: started, source_signed, source_sent, source_locked, destination_seen_by_account,
claim_signed, claim_sent.
`done` is "nothing" (no lock was made), "back" (its lock came back), "claimed" (it has what it was to get).
"""

import hashlib
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "network"))

from layerd_client import Account, CallError, Closed, Rpc  # noqa: E402
from reference_evm import ORDER, address, keccak256, transaction  # noqa: E402

SECOND = 1_000_000
GWEI = 10**9
# contracts/HashLock.sol: the first four bytes of each function's hash
LOCK, CLAIM, REFUND, READ = (keccak256(text)[:4] for text in (
    b"lock(address,bytes32,uint64,address,uint256)", b"claim(bytes32,bytes32)", b"refund(bytes32)", b"read(bytes32)"))
NONE, LOCKED, CLAIMED, REFUNDED = range(4)
GAS = 600_000
CLAIM_TAKES_S = 5  # on the base ledger


def word(value):
    """Numbers and bytes (an address, a hash) as the ABI has them."""
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


class Unreachable(Exception):
    """No answer: later again."""


class Party:
    def __init__(self, path, point):
        self.path, self.point = Path(path), point
        self.file = json.loads(self.path.read_text())
        self.account = Account(self.file["seed"])
        self.key = int.from_bytes(hashlib.sha256(b"there " + self.file["seed"].encode()).digest(), "big") % ORDER
        self.there = address(self.key)
        self.secret = hashlib.sha256(b"secret " + self.file["seed"].encode()).digest()
        self.hash = hashlib.sha256(self.secret).digest()

    # --- what it knows
    def keep(self, **named):
        self.file.update(named)
        new = self.path.with_suffix(".new")
        with open(new, "w") as file:
            json.dump(self.file, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.path)

    def reach(self, point):
        if point == self.point:
            print(json.dumps({"at": point}), flush=True)
            while True:
                signal.pause()

    def to_evm(self):
        return self.file["way"] == "to_evm"

    # --- the base ledger, by the provider's node
    def node(self, method, params=None, **named):
        try:
            with Rpc(self.file["socket"]) as rpc:
                return rpc.call(method, params, **named)
        except (OSError, Closed) as error:
            raise Unreachable("node: %s" % error) from error

    def signed(self, method, params, valid_until):
        return self.account.signed(self.file["chain"], method, params, valid_until)

    # --- the EVM chain
    def ask(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.file["url"], body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)

    def evm(self, method, *params):
        answer = self.ask(method, *params)
        assert "error" not in answer, "%s: %s" % (method, answer["error"])
        return answer["result"]

    def raw(self, data, value=0):
        """A signed call of the hash lock."""
        nonce = int(self.evm("eth_getTransactionCount", "0x" + self.there.hex(), "latest"), 16)
        fields = [nonce, GWEI, 100 * GWEI, GAS, unhex(self.file["contract"]), value, data, []]
        random = int.from_bytes(os.urandom(40), "big") % (ORDER - 1) + 1
        return transaction(2, self.file["chain_id"], fields, self.key, random)[0].hex()

    def bring(self, raw):
        """Whether it is mined, and did what it was to; it is sent again until then."""
        receipt = self.evm("eth_getTransactionReceipt", "0x" + keccak256(bytes.fromhex(raw)).hex())
        if receipt is None:
            self.ask("eth_sendRawTransaction", "0x" + raw)  # refused when the chain has it already
            return None
        return receipt["status"] == "0x1"

    def terms(self):
        """Of the lock there: contract's order, from `sender` to `amount`."""
        plan = self.file["plan"]
        if self.to_evm():
            return (unhex(plan["there"]), self.there, self.hash, plan["destination_expiry_us"] // SECOND, 0,
                    plan["amount"] * self.file["units"])
        return (self.there, unhex(plan["pay_to"]), self.hash, plan["source_expiry_us"] // SECOND, 0,
                (plan["amount"] + plan["fee"]) * self.file["units"])

    def lock_id(self):
        sender, recipient, digest, deadline, token, amount = self.terms()
        return keccak256(b"".join(map(word, (self.file["chain_id"], unhex(self.file["contract"]), sender, recipient,
                                             digest, deadline, token, amount))))

    def newest(self):
        block = self.evm("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), int(block["timestamp"], 16)

    def lock_there(self, deep):
        """Its state, by the contract that it should be; NONE where it does not keep all terms."""
        height = self.newest()[0] - (self.file["confirmations"] - 1 if deep else 0)
        at = hex(max(height, 0))
        code = self.evm("eth_getCode", self.file["contract"], at)
        if hashlib.sha256(unhex(code)).hexdigest() != self.file["code"]:
            return NONE
        call = {"to": self.file["contract"], "data": "0x" + (READ + self.lock_id()).hex()}
        shown = unhex(self.evm("eth_call", call, at))
        words = [shown[i:i + 32] for i in range(0, 7 * 32, 32)]
        sender, recipient, digest, deadline, token, amount = self.terms()
        if words[:2] + words[3:] != list(map(word, (sender, deadline, recipient, token, amount, digest))):
            return NONE
        return words[2][31]

    # --- the steps
    def start(self):
        if "start" not in self.file:
            there = "0x" + self.there.hex()
            params = {"asset": "GOLD", "amount": self.file["amount"], "hash": self.hash.hex()}
            params.update({"source": "base", "destination": self.file["place"], "recipient": there} if self.to_evm()
                          else {"source": self.file["place"], "destination": "base", "account_there": there,
                                "recipient": self.account.address})
            until = self.node("node.info")["now_us"] + 60 * SECOND
            self.keep(start=self.signed("transfer.start", params, until))
        plan = self.node("transaction.submit", self.file["start"])["result"]
        shown = self.node("transfer.get", transfer=plan["transfer"])
        plan["there"] = shown["destination" if self.to_evm() else "source"]["from" if self.to_evm() else "to"]
        self.keep(plan=plan)
        self.reach("started")
        return "started"

    def lock_base(self, plan):
        if "lock" not in self.file:
            self.keep(lock=self.signed("ledger.lock", {
                "to": plan["pay_to"], "asset": "GOLD", "amount": plan["amount"] + plan["fee"],
                "hash": self.hash.hex(), "deadline": plan["source_expiry_us"]}, plan["lock_until_us"]))
            self.reach("source_signed")
        try:
            escrow = self.node("transaction.submit", self.file["lock"])["result"]["escrow"]
        except CallError as error:
            assert error.name == "expired", error
            return self.end("nothing")
        self.reach("source_sent")
        self.keep(locked=escrow)
        self.reach("source_locked")
        return "locked"

    def lock_evm(self, plan):
        if "lock" not in self.file:
            if self.newest()[1] * SECOND >= plan["lock_until_us"]:
                return self.end("nothing")
            _, recipient, digest, deadline, token, amount = self.terms()
            data = LOCK + b"".join(map(word, (recipient, digest, deadline, token, amount)))
            self.keep(lock=self.raw(data, amount))
            self.reach("source_signed")
        late = self.newest()[1] * SECOND >= plan["lock_until_us"]
        known = self.evm("eth_getTransactionByHash", "0x" + keccak256(bytes.fromhex(self.file["lock"])).hex())
        if late and known is None:
            return self.end("nothing")
        done = self.bring(self.file["lock"])
        self.reach("source_sent")
        if done is None:
            return "the lock is on its way"
        assert done, "the lock was reverted"
        self.keep(locked="there")
        self.reach("source_locked")
        return "locked"

    def claim_evm(self):
        """The destination is there."""
        if "claim" not in self.file:
            takes = (self.file["confirmations"] + 1) * self.file["block_s"]
            if self.lock_there(True) != LOCKED or self.newest()[1] + takes >= self.terms()[3]:
                return self.wait_for_base()
            self.reach("destination_seen_by_account")
            self.keep(claim=self.raw(CLAIM + self.lock_id() + self.secret))
            self.reach("claim_signed")
        if self.lock_there(False) == CLAIMED:
            return self.end("claimed")
        if self.newest()[1] >= self.terms()[3]:
            return self.wait_for_base()
        self.bring(self.file["claim"])
        self.reach("claim_sent")
        return "the claim is on its way"

    def wait_for_base(self):
        """Whether the source came back, which it does by itself."""
        escrow = self.node("ledger.escrow", escrow=self.file["locked"])
        return self.end("back") if escrow["state"] == "refunded" else "waits"

    def destination_here(self):
        """The provider's escrow, if it is all that it should be."""
        plan = self.file["plan"]
        for escrow in self.node("ledger.escrows", account=self.account.address)["items"]:
            if (escrow["sender"], escrow["recipient"], escrow["hash"], escrow["symbol"], escrow["amount"]) == (
                    plan["provider"], self.account.address, self.hash.hex(), "GOLD", plan["amount"]):
                return escrow
        return None

    def claim_base(self):
        escrow = self.destination_here()
        now = self.node("node.info")["now_us"]
        if "claim" not in self.file:
            if escrow is None or escrow["state"] != "locked" or now + CLAIM_TAKES_S * SECOND >= escrow["deadline_us"]:
                return self.wait_there()
            self.reach("destination_seen_by_account")
            self.keep(claim=self.signed("ledger.claim", {"escrow": escrow["id"], "preimage": self.secret.hex()},
                                        escrow["deadline_us"]))
            self.reach("claim_signed")
        if escrow["state"] == "claimed":
            return self.end("claimed")
        if escrow["state"] == "refunded":
            return self.wait_there()
        self.node("transaction.submit", self.file["claim"])
        self.reach("claim_sent")
        return "claimed"

    def wait_there(self):
        """The source comes back when its time is over, if somebody brings it."""
        state = self.lock_there(True)
        if state == REFUNDED:
            return self.end("back")
        if state == LOCKED and self.newest()[1] >= self.terms()[3]:
            if "refund" not in self.file:
                self.keep(refund=self.raw(REFUND + self.lock_id()))
            self.bring(self.file["refund"])
            return "takes it back"
        return "waits"

    def end(self, done):
        self.keep(done=done)
        return done

    def step(self):
        if "done" in self.file:
            # Who was paid, and finds that his own lock is his again, takes it: whoever slept bears that.
            if self.file["done"] == "claimed" and not self.to_evm() and self.lock_there(True) == LOCKED:
                return self.wait_there() if self.newest()[1] >= self.terms()[3] else "done"
            return "done"
        if "plan" not in self.file:
            return self.start()
        if "locked" not in self.file:
            return self.lock_base(self.file["plan"]) if self.to_evm() else self.lock_evm(self.file["plan"])
        return self.claim_evm() if self.to_evm() else self.claim_base()


def main():
    party = Party(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    for _ in sys.stdin:
        try:
            says = party.step()
        except Unreachable as error:
            says = str(error)
            # Nobody needs the node to take back what is on the chain.
            if "locked" in party.file and not party.to_evm() and "done" not in party.file:
                says = party.wait_there()
        print(json.dumps({"done": party.file.get("done"), "says": says}), flush=True)


if __name__ == "__main__":
    main()
