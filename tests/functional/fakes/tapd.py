"""tapd's REST listener: bytes in hex, as tapd has them, or in base64, as lightning-terminal's has."""

import base64
import hashlib
import time

from .https import Gateway, Refused


class Tapd(Gateway):
    def __init__(self, folder, chain="regtest", form="hex"):
        super().__init__(folder, "tapd")
        self.form = form
        self.chain, self.batches, self.transfers, self.assets = chain, [], [], []
        self.addresses, self.proof, self.refuse_finalize = {}, b"", None
        self.valid = True

    def out(self, data):
        return data.hex() if self.form == "hex" else base64.b64encode(data).decode()

    def into(self, text):
        try:
            return bytes.fromhex(text) if self.form == "hex" else base64.b64decode(text, validate=True)
        except ValueError:
            raise Refused(3, 'proto: (line 1:14): invalid value for bytes field: "%s"' % text, 400)

    def handle(self, method, path, query, body):
        name = (method + path.removeprefix("/v1/taproot-assets")).replace("/", "_").lower()
        if not hasattr(self, name):
            raise Refused(5, "Not Found", 404)
        return getattr(self, name)(query, body)

    def get_getinfo(self, query, body):
        return {"version": "0.8.1-alpha", "lnd_version": "0.21.2-beta", "network": self.chain,
                "lnd_identity_pubkey": "02" + "11" * 32, "node_alias": "t", "block_height": 444,
                "block_hash": "29" * 32, "sync_to_chain": True}

    def get_assets_balance(self, query, body):
        return {"asset_balances": {
            asset["id"].hex(): {"asset_genesis": {"name": asset["name"], "asset_id": self.out(asset["id"])},
                                "balance": asset["amount"]} for asset in self.assets},
            "asset_group_balances": {}}

    # --- minting
    def post_assets(self, query, body):
        asset = dict(body["asset"])
        asset["asset_meta"] = dict(asset["asset_meta"], data=self.out(self.into(asset["asset_meta"]["data"])))
        pending = [b for b in self.batches if b["state"] == "BATCH_STATE_PENDING"]
        if not pending:
            self.batches.append({"batch_key": self.out(b"\x02" * 33), "batch_txid": "", "assets": [],
                                 "state": "BATCH_STATE_PENDING", "created_at": str(int(time.time()))})
        self.batches[-1]["assets"].append(asset)
        return {"pending_batch": {"batch_key": "", "state": "BATCH_STATE_PENDING", "assets": []}}

    def post_assets_mint_finalize(self, query, body):
        if self.refuse_finalize:
            raise Refused(2, self.refuse_finalize)
        batch = [b for b in self.batches if b["state"] == "BATCH_STATE_PENDING"][0]
        batch.update(state="BATCH_STATE_BROADCAST", batch_txid=hashlib.sha256(b"batch%d" % len(self.batches))
                     .hexdigest())
        for asset in batch["assets"]:
            self.assets.append({"name": asset["name"], "amount": asset["amount"], "txid": batch["batch_txid"],
                                "id": hashlib.sha256(asset["asset_meta"]["data"].encode()).digest()})
        return {"batch": {key: batch[key] for key in ("batch_key", "batch_txid", "state")}}

    def post_assets_mint_cancel(self, query, body):
        for batch in self.batches:
            if batch["state"] == "BATCH_STATE_PENDING":
                batch["state"] = "BATCH_STATE_SEEDLING_CANCELLED"
        return {"batch_key": self.out(b"\x02" * 33)}

    def get_assets_mint_batches_(self, query, body):  # without the key that may stand behind the last stroke
        return {"batches": [{"batch": batch, "unsealed_assets": []} for batch in self.batches]}

    def confirm(self):
        for batch in self.batches:
            if batch["state"] == "BATCH_STATE_BROADCAST":
                batch["state"] = "BATCH_STATE_FINALIZED"
        for transfer in self.transfers:
            transfer["anchor_tx_block_height"] = 500
            for output in transfer["outputs"]:
                output["proof_delivery_status"] = "PROOF_DELIVERY_STATUS_COMPLETE"

    def get_assets(self, query, body):
        return {"assets": [{"asset_genesis": {"name": a["name"], "asset_id": self.out(a["id"])}, "amount": a["amount"],
                            "chain_anchor": {"anchor_outpoint": a["txid"] + ":0", "block_height": 0}}
                           for a in self.assets]}

    # --- sending
    def address(self, asset, amount):
        text = "taprt1" + hashlib.sha256(asset + b"%d" % amount).hexdigest()
        self.addresses[text] = (asset, amount)
        return text

    def post_addrs(self, query, body):
        asset, amount = self.into(body["asset_id"]), int(body["amt"])
        return {"encoded": self.address(asset, amount), "asset_id": self.out(asset), "amount": str(amount)}

    def post_addrs_decode(self, query, body):
        if body["addr"] not in self.addresses:
            raise Refused(2, "unable to decode addr")
        asset, amount = self.addresses[body["addr"]]
        return {"encoded": body["addr"], "asset_id": self.out(asset), "amount": str(amount)}

    def post_send(self, query, body):
        asset, amount = self.addresses[body["tap_addrs"][0]]
        transfer = {"transfer_timestamp": str(int(time.time())), "label": body["label"],
                    "anchor_tx_hash": self.out(hashlib.sha256(b"%d" % len(self.transfers)).digest()),
                    "anchor_tx_block_height": 0, "anchor_tx_block_hash": None,
                    "inputs": [{"asset_id": self.out(asset), "amount": str(amount)}],
                    "outputs": [{"proof_delivery_status": "PROOF_DELIVERY_STATUS_PENDING", "amount": str(amount)}]}
        self.transfers.append(transfer)
        return {"transfer": transfer}

    def get_assets_transfers(self, query, body):
        return {"transfers": self.transfers}

    # --- proofs
    def post_proofs_verify(self, query, body):
        assert self.into(body["raw_proof_file"]) == self.proof and ":" in body["genesis_point"]
        if not self.valid:
            raise Refused(2, "unable to verify proof: group key not known")
        return {"valid": True, "decoded_proof": {}}

    def post_proofs_decode(self, query, body):
        self.into(body["raw_proof"])
        raise Refused(3, "invalid raw proof, could not identify decoding format", 400)

    def post_proofs_export(self, query, body):
        assert len(self.into(body["asset_id"])) == 32 and len(self.into(body["script_key"])) == 33
        return {"raw_proof_file": self.out(self.proof), "genesis_point": ""}
