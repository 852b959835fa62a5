"""Core Lightning's socket: JSON-RPC, one object after another, answers ended by two newlines.

Parameters, members and errors are those of its source (doc/schemas, plugins/xpay, lightningd/pay.c): a parameter that
the release does not know is refused; a payment is listed with its first part, not while a way is sought.
"""

import inspect
import json
import socket
import threading
import time
import os

from . import bolt11
from .faults import HELD_S, OVERSIZE, Faults, garbage


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class CoreLightning(bolt11.Payments):
    def __init__(self, path, chain="regtest", release="v26.06"):
        super().__init__(chain)
        self.path, self.release = str(path), release
        self.faults, self.invoices = Faults(), {}
        self.has_xpay, self.warning, self.refuse = release >= "v24.11", None, None
        self.seek = None  # an event: until then it seeks a way for the first part, which the lists show
        self.autoclean_s = None
        self.hang = None  # an event: payments are under way until it is set
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(128)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self):
        """Not while its thread is on the way to accept: that would take the clients of whoever got the number next."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()

    # --- the wire
    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        buffer, decoder = "", json.JSONDecoder()
        with peer:
            while True:
                try:
                    piece = peer.recv(65536)
                except OSError:
                    return
                if not piece:
                    return
                buffer += piece.decode()
                while buffer.lstrip():
                    buffer = buffer.lstrip()
                    try:
                        request, end = decoder.raw_decode(buffer)
                    except ValueError:
                        break
                    buffer = buffer[end:]
                    if not self._answer(peer, request):
                        return

    def _answer(self, peer, request):
        fault = self.faults.take(request["method"])
        if fault == "drop":
            return False
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            assert isinstance(request["id"], str) and isinstance(request["params"], dict)
            reply["result"] = self._command(request["method"])(**request["params"])
        except Refused as refused:
            reply["error"] = {"code": refused.code, "message": str(refused)}
        if fault == "drop_after":
            return False
        try:
            if fault in ("half", "malformed"):
                peer.sendall(garbage(fault, reply))
                return fault == "malformed"
            if fault == "oversize":
                peer.sendall(b'{"jsonrpc":"2.0","id":"x","result":"')
                for _ in range(OVERSIZE >> 20):
                    peer.sendall(b"x" * (1 << 20))
                return False
            peer.sendall(json.dumps(reply, indent=3).encode() + b"\n\n")
        except OSError:
            return False
        return True

    def _command(self, name):
        """The function of it, which refuses what the release does not take."""
        function = getattr(self, "do_" + name.replace("-", "_"), None)
        if function is None or name not in self._commands():
            raise Refused(-32601, "Unknown command '%s'" % name)
        known = self._parameters(name)

        def checked(**params):
            for param in params:
                if param not in known:
                    raise Refused(-32602, "unknown parameter: %s, this may be caused by a failure to autodetect "
                                  "key=value-style parameters." % param)
            return function(**params)

        return checked

    def _commands(self):
        names = {name[3:].replace("_", "-") for name in dir(self) if name.startswith("do_")}
        if not self.has_xpay:
            names -= {"xpay", "xkeysend"}
        return names - ({"xkeysend"} if self.release < "v26.06" else set())

    def _parameters(self, name):
        """In order, those without a default first, as its usage shows them."""
        known = dict(inspect.signature(getattr(self, "do_" + name.replace("-", "_"))).parameters)
        since = {("xpay", "maxdelay"): "v25.02", ("keysend", "maxfee"): "v24.11", ("listpays", "index"): "v24.11",
                 ("listpays", "start"): "v24.11", ("listpays", "limit"): "v24.11", ("pay", "invstring"): "v26.06"}
        for (command, param), release in since.items():
            if command == name and self.release < release:
                known.pop(param, None)
        if name == "pay" and self.release >= "v26.06":
            known.pop("bolt11")
        return known

    # --- commands
    def do_getinfo(self):
        info = {
            "id": bolt11.NODE, "alias": "SILENTARTIST", "color": "022d22", "num_peers": 1,
            "num_pending_channels": 0, "num_active_channels": 1, "num_inactive_channels": 0, "address": [],
            "binding": [], "version": self.release, "blockheight": 110, "network": self.chain,
            "fees_collected_msat": 0, "lightning-dir": "/tmp/.lightning/regtest",
        }
        if self.warning:
            info["warning_lightningd_sync"] = self.warning
        return info

    def do_help(self, command):
        if command not in self._commands():
            raise Refused(-32601, "Unknown command '%s'" % command)
        usage = [command] + [name if name in ("invstring", "bolt11", "destination") else "[%s]" % name
                             for name in self._parameters(command)]
        return {"help": [{"command": " ".join(usage)}], "format-hint": "simple"}

    def do_autoclean_status(self, subsystem):
        state = {"enabled": self.autoclean_s is not None, "cleaned": 0}
        if self.autoclean_s is not None:
            state["age"] = self.autoclean_s
        return {"autoclean": {subsystem: state}}

    def do_listpeerchannels(self):
        return {"channels": [{
            "peer_id": "02" + "11" * 32, "peer_connected": True, "state": "CHANNELD_NORMAL",
            "short_channel_id": "103x1x0", "funding_txid": "aa" * 32, "funding_outnum": 0,
            "to_us_msat": 500000000, "total_msat": 1000000000, "spendable_msat": 490000000,
            "receivable_msat": 480000000, "htlcs": [],
        }]}

    def do_listfunds(self):
        return {"outputs": [{"txid": "bb" * 32, "output": 0, "amount_msat": 7000, "scriptpubkey": "00",
                             "status": "confirmed", "blockheight": 5, "reserved": False}],
                "channels": [{"peer_id": "02" + "11" * 32, "connected": True, "state": "CHANNELD_NORMAL",
                              "our_amount_msat": 500000000, "amount_msat": 1000000000,
                              "funding_txid": "aa" * 32, "funding_output": 0}]}

    def fail(self, digest):
        """A try of it failed, as the node lists it."""
        self.paid[digest] = dict(self._entry(digest), status="failed")

    def _entry(self, digest, **more):
        return {"payment_hash": digest, "status": "pending", "created_at": int(time.time()),
                "amount_msat": 10000, "amount_sent_msat": 10003, "created_index": len(self.paid) + 1, **more}

    def _keysend(self, destination, amount_msat, label, method):
        """Each request makes a preimage of its own: asked twice, it pays twice."""
        import hashlib
        import secrets

        if self.refuse:
            raise self.refuse
        if self.seek:
            self.seek.wait(HELD_S)
        preimage = secrets.token_bytes(32)
        digest = hashlib.sha256(preimage).hexdigest()
        self.sends += 1
        self.paid[digest] = self._entry(digest, status="complete", preimage=preimage.hex(), destination=destination,
                                        amount_msat=amount_msat, amount_sent_msat=amount_msat)
        if label is not None:
            self.paid[digest]["label"] = label
        answer = {"payment_preimage": preimage.hex(), "amount_msat": amount_msat, "amount_sent_msat": amount_msat}
        if method == "xkeysend":
            return {**answer, "failed_parts": 0, "successful_parts": 1}
        return {**answer, "payment_hash": digest, "created_at": 1738000000.0, "parts": 1, "status": "complete",
                "destination": destination}

    def do_xkeysend(self, destination, amount_msat, label=None, maxfee=None, layers=None, retry_for=60, maxdelay=None,
                    extratlvs=None):
        return self._keysend(destination, amount_msat, label, "xkeysend")

    def do_keysend(self, destination, amount_msat, label=None, maxfeepercent=None, retry_for=60, maxdelay=None,
                   exemptfee=None, extratlvs=None, routehints=None, maxfee=None):
        if maxfee is not None and (maxfeepercent is not None or exemptfee is not None):
            raise Refused(-32602, "fee weirdness")
        return self._keysend(destination, amount_msat, label, "keysend")

    def _pay(self, text, retry_for):
        digest = bolt11.hash_of(text).hex()
        if digest in self.paid and self.paid[digest]["status"] == "complete":
            raise Refused(218, "Already paid this invoice successfully")
        if self.refuse:
            raise self.refuse
        if self.hang:
            if digest in self.paid:
                raise Refused(-3, 'Unexpected injectpaymentonion error 200: {"code":200,"message":"Payment with '
                              'groupid=1 still in progress, cannot retry before that completes."}')
            self.sends += 1
            self.paid[digest] = self._entry(digest)
            self.hang.wait(HELD_S)
        if self.seek:
            self.seek.wait(HELD_S)
        preimage = self.preimage_of(digest)
        if preimage is None:
            if digest in self.paid:
                self.fail(digest)
            raise Refused(203, "Destination said it doesn't know invoice: incorrect_or_unknown_payment_details")
        self.sends += digest not in self.paid
        self.paid[digest] = {
            "payment_hash": digest, "status": "complete", "created_at": int(time.time()), "bolt11": text,
            "preimage": preimage, "amount_msat": 10000, "amount_sent_msat": 10003,
            "created_index": len(self.paid) + 1,
        }
        return preimage

    def do_xpay(self, invstring, amount_msat=None, maxfee=None, layers=None, retry_for=60, partial_msat=None,
                maxdelay=None):
        preimage = self._pay(invstring, retry_for)
        return {"payment_preimage": preimage, "failed_parts": 0, "successful_parts": 1, "amount_msat": 10000,
                "amount_sent_msat": 10003}

    def do_pay(self, bolt11=None, invstring=None, amount_msat=None, label=None, retry_for=60, maxdelay=None,
               maxfee=None):
        preimage = self._pay(bolt11 or invstring, retry_for)
        return {"payment_preimage": preimage, "payment_hash": "00" * 32, "created_at": 1738000000.5, "parts": 1,
                "amount_msat": 10000, "amount_sent_msat": 10003, "status": "complete"}

    def do_listpays(self, bolt11=None, payment_hash=None, status=None, index=None, start=0, limit=None):
        if index is None and (start != 0 or limit is not None):
            raise Refused(-32602, "Can only specify {%s} with {index}" % ("start" if start else "limit"))
        pays = [dict(pay) for pay in list(self.paid.values()) if payment_hash in (None, pay["payment_hash"])]
        if index:  # as many as there are from there on, whatever their indexes
            pays = [p for p in sorted(pays, key=lambda p: p["created_index"]) if start <= p["created_index"]][:limit]
        if self.release < "v24.11":
            for pay in pays:
                del pay["created_index"]
        return {"pays": pays}

    def do_wait(self, subsystem, indexname, nextvalue):
        lists = {"sendpays": self.paid, "invoices": self.invoices}
        if subsystem == "sendpays" and self.release < "v23.11":
            raise Refused(-32602, "subsystem: unknown subsystem: invalid token '\"sendpays\"'")
        return {"subsystem": subsystem, indexname: len(lists[subsystem])}  # nextvalue 0: at once

    def do_listinvoices(self, label=None, payment_hash=None, index=None, start=None, limit=None):
        return {"invoices": [i for i in list(self.invoices.values())
                             if label in (None, i["label"]) and payment_hash in (None, i["payment_hash"])]}

    def do_invoice(self, amount_msat, label, description, expiry, preimage):
        import hashlib

        if label in self.invoices:
            raise Refused(900, "Duplicate label '%s'" % label)
        digest = hashlib.sha256(bytes.fromhex(preimage)).digest()
        text = bolt11.invoice(digest, amount_msat, expiry=expiry, description=description)
        self.preimages[digest.hex()] = preimage
        self.invoices[label] = {"label": label, "bolt11": text, "payment_hash": digest.hex(), "status": "unpaid",
                                "expires_at": int(time.time()) + expiry, "created_index": len(self.invoices) + 1}
        return {"bolt11": text, "payment_hash": digest.hex(), "expires_at": 0, "created_index": 1,
                "payment_secret": "22" * 32}

    def pay_us(self, digest):
        entry, = (i for i in list(self.invoices.values()) if i["payment_hash"] == digest)
        entry.update(status="paid", payment_preimage=self.preimages[digest], amount_received_msat=10000)

    def do_signmessage(self, message):
        return {"signature": "00", "recid": "00", "zbase": bolt11.sign_message(message)}

    def do_feerates(self, style):
        assert style == "perkb"
        return {"perkb": {"min_acceptable": 1012, "max_acceptable": 600000, "floor": 1000, "estimates": [
            {"blockcount": b, "feerate": f, "smoothed_feerate": f}
            for b, f in ((2, 60000), (6, 44000), (12, 30000), (100, 15000))]}}
