"""LND's REST listener."""

import base64
import hashlib
import time

from . import bolt11
from .https import Gateway, Refused


def b64(data):
    return base64.b64encode(data).decode()


class Lnd(bolt11.Payments, Gateway):
    streams = ("/v2/router/send", "/v2/router/track/")

    def __init__(self, folder, chain="regtest"):
        bolt11.Payments.__init__(self, chain)
        Gateway.__init__(self, folder, "lnd")
        self.synced, self.locked, self.in_flight = True, False, False
        self.invoices = {}

    def handle(self, method, path, query, body):
        if self.locked:
            raise Refused(2, "wallet locked, unlock it to enable full RPC access")
        if method == "GET" and path.startswith("/v2/router/track/"):
            return self.track(base64.urlsafe_b64decode(path.rsplit("/", 1)[1]).hex())
        if method == "GET" and path.startswith("/v1/invoice/"):
            return self.invoice(path.rsplit("/", 1)[1])
        if method == "GET" and path.startswith("/v2/wallet/estimatefee/"):
            return {"sat_per_kw": "2500", "min_relay_fee_sat_per_kw": "253"}
        name = (method + path).replace("/", "_").lower()
        if not hasattr(self, name):
            raise Refused(5, "Not Found", 404)
        return getattr(self, name)(query, body)

    def get_v1_getinfo(self, query, body):
        return {"version": "0.21.2-beta", "identity_pubkey": bolt11.NODE, "alias": "carol", "block_height": 110,
                "block_hash": "00" * 32, "synced_to_chain": self.synced, "synced_to_graph": True,
                "num_active_channels": 1, "chains": [{"chain": "bitcoin", "network": self.chain}]}

    def get_v1_channels(self, query, body):
        return {"channels": [{"active": True, "remote_pubkey": "02" + "11" * 32, "channel_point": "ab:0",
                              "chan_id": "113", "capacity": "1000000", "local_balance": "500000",
                              "remote_balance": "496530", "commit_fee": "3470", "unsettled_balance": "0"}]}

    def get_v1_balance_channels(self, query, body):
        return {"balance": "500000", "local_balance": {"sat": "500000", "msat": "500000000"}}

    def get_v1_balance_blockchain(self, query, body):
        return {"total_balance": "7", "confirmed_balance": "7", "unconfirmed_balance": "0"}

    # --- payments
    def post_v2_router_send(self, query, body):
        assert body["no_inflight_updates"] and int(body["timeout_seconds"]) > 0
        if "payment_request" in body:
            digest = bolt11.hash_of(body["payment_request"]).hex()
            preimage = self.preimage_of(digest)
        else:
            digest = base64.b64decode(body["payment_hash"]).hex()
            preimage = base64.b64decode(body["dest_custom_records"]["5482373484"]).hex()
            assert hashlib.sha256(bytes.fromhex(preimage)).hexdigest() == digest
        if digest in self.paid and self.paid[digest]["status"] == "SUCCEEDED":
            raise Refused(6, "invoice is already paid", 409)
        self.paid[digest] = entry = {
            "payment_hash": digest, "value_msat": body.get("amt_msat", "10000"), "fee_msat": "3",
            "payment_request": body.get("payment_request", ""), "htlcs": [{"status": "SUCCEEDED"}],
            "creation_time_ns": str(time.time_ns()), "payment_index": str(len(self.paid) + 1)}
        if self.in_flight:
            entry.update(status="IN_FLIGHT", payment_preimage="00" * 32, failure_reason="FAILURE_REASON_NONE")
        elif preimage is None:
            entry.update(status="FAILED", payment_preimage="00" * 32,
                         failure_reason="FAILURE_REASON_INCORRECT_PAYMENT_DETAILS")
        else:
            self.sends += 1
            entry.update(status="SUCCEEDED", payment_preimage=preimage, failure_reason="FAILURE_REASON_NONE")
        return [{"result": entry}]

    def track(self, digest):
        if digest not in self.paid:
            raise Refused(5, "payment isn't initiated", 404)
        while self.paid[digest]["status"] == "IN_FLIGHT":
            time.sleep(0.1)
        return [{"result": self.paid[digest]}]

    def get_v1_payments(self, query, body):
        offset, most = int(query["index_offset"][0]), int(query["max_payments"][0])
        assert query["include_incomplete"] == ["true"] and query["reversed"] == ["true"]
        pays = [p for p in list(self.paid.values()) if offset == 0 or int(p["payment_index"]) < offset][-most:]
        return {"payments": pays, "first_index_offset": "0", "last_index_offset": "0"}

    def post_v2_router_route_estimatefee(self, query, body):
        return {"routing_fee_msat": "26", "time_lock_delay": "40", "failure_reason": "FAILURE_REASON_NONE"}

    # --- invoices
    def post_v1_invoices(self, query, body):
        digest = hashlib.sha256(base64.b64decode(body["r_preimage"])).hexdigest()
        if digest in self.invoices:
            raise Refused(2, "invoice with payment hash already exists")
        msat = int(body["value_msat"])
        text = bolt11.invoice(bytes.fromhex(digest), msat, expiry=int(body["expiry"]), description=body["memo"])
        self.invoices[digest] = {
            "memo": body["memo"], "r_hash": b64(bytes.fromhex(digest)), "r_preimage": body["r_preimage"], "state": "OPEN",
            "value_msat": str(msat), "amt_paid_msat": "0", "payment_request": text, "htlcs": [],
            "creation_date": str(int(time.time())), "add_index": str(len(self.invoices) + 1)}
        return {"payment_request": text, "add_index": str(len(self.invoices)), "payment_addr": b64(b"\x22" * 32)}

    def invoice(self, digest):
        if digest not in self.invoices:
            raise Refused(2, "unable to locate invoice")
        return self.invoices[digest]

    def pay_us(self, digest):
        self.invoice(digest).update(state="SETTLED", amt_paid_msat="10000")

    def get_v1_invoices(self, query, body):
        offset, most = int(query["index_offset"][0]), int(query["num_max_invoices"][0])
        found = [i for i in list(self.invoices.values()) if offset == 0 or int(i["add_index"]) < offset][-most:]
        return {"invoices": found}

    def post_v1_signmessage(self, query, body):
        return {"signature": bolt11.sign_message(base64.b64decode(body["msg"]).decode())}
