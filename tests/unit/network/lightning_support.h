/* A link to a scripted Lightning server, and invoices for it. */
#ifndef TEST_NETWORK_LIGHTNING_SUPPORT_H
#define TEST_NETWORK_LIGHTNING_SUPPORT_H

#include "scripted_endpoint.h"

#include "crypto/bolt11.h"
#include "network/lightning/lightning.h"
#include "network/lightning/lightning_pay.h"

#define PATIENCE 60
/* The payee's and the server's key alike: tests let the server pay itself. Secret key 1: the generator. */
#define NODE "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define OTHER_NODE "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"

struct link {
    const struct network *network;
    void *client;
    struct network_call call;
    struct arena arena;
};
void link_open(struct link *link, const struct network *network);
void link_close(struct link *link);
void again(struct link *link); /* the next call begins without the last one's error */

/* What the tests pay: preimage of 32 bytes 0x11, its hash in hex, an invoice of `msat` (0: open). */
extern char preimage_hex[65], hash_hex[65], hash_base64[64], hash_base64_url[64], preimage_base64[64];
const char *invoice_of(const char *currency, uint64_t msat, uint64_t age_s);
void support_begin(void);
void assert_has(const char *text, const char *part);
void assert_has_not(const char *text, const char *part);

/* Usages as Core Lightning's `help` gives them: doc/schemas/help.json of 26.06, and the parameters of
 * plugins/xpay/xpay.c and doc/schemas of the release that the name says; the others are of any. */
#define USAGE(text) "{\"help\":[{\"command\":\"" text "\"}],\"format-hint\":\"simple\"}"
#define XPAY_USAGE                                                                                           \
    USAGE("xpay invstring [amount_msat] [maxfee] [layers] [retry_for] [partial_msat] [maxdelay] [payer_note]")
#define XPAY_USAGE_2411 USAGE("xpay invstring [amount_msat] [maxfee] [layers] [retry_for] [partial_msat]")
#define PAY_USAGE                                                                                            \
    USAGE("pay bolt11 [amount_msat] [label] [riskfactor] [maxfeepercent] [retry_for] [maxdelay] "            \
          "[exemptfee] [localinvreqid] [exclude] [maxfee] [description] [partial_msat]")
#define PAY_USAGE_2606                                                                                       \
    USAGE("pay (DEPRECATED!) invstring [amount_msat] [label] [riskfactor] [maxfeepercent] [retry_for] "      \
          "[maxdelay] [exemptfee] [localinvreqid] [exclude] [maxfee] [description] [partial_msat]")
#define XKEYSEND_USAGE                                                                                       \
    USAGE("xkeysend destination amount_msat [label] [maxfee] [layers] [retry_for] [maxdelay] [extratlvs]")
#define KEYSEND_USAGE(more)                                                                                  \
    USAGE("keysend destination amount_msat [label] [maxfeepercent] [retry_for] [maxdelay] [exemptfee] "      \
          "[extratlvs] [routehints]" more)
#define LISTPAYS_USAGE USAGE("listpays [bolt11] [payment_hash] [status] [index] [start] [limit]")
#define LISTPAYS_USAGE_2408 USAGE("listpays [bolt11] [payment_hash] [status]")
/* doc/schemas/autoclean-status.json */
#define AUTOCLEAN(enabled)                                                                                   \
    "{\"autoclean\":{\"succeededpays\":{\"enabled\":" enabled ",\"cleaned\":7}}}"

int cln_tests(void);
int cln_release_tests(void);
int invoice_tests(void);
int lnd_tests(void);
int proof_tests(void);

#endif
